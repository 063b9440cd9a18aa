import type { Socket } from "node:net";
import type { Owners } from "./owners.ts";
import { primary, readBody, readHead, type ReadHead } from "./readings.ts";

/** A request as the upstream took it from the bytes. */
export interface SeenRequest extends ReadHead {
  readonly connection: UpstreamConnection;
  /** What has come of the body. */
  readonly body: string;
  readonly isWhole: boolean;
  /** Whose credential it carries. */
  readonly owner: string;
}

/** One request and the way to answer it. */
export interface Exchange {
  readonly request: SeenRequest;
  /** Resolves when the body has come to its end. */
  readonly whole: Promise<void>;
  /** Writes bytes as they are. */
  write(bytes: string): void;
  /** Writes bytes and ends the connection. */
  end(bytes?: string): void;
  /** Takes everything that comes from now on as the bytes of a tunnel. */
  tunnel(): void;
}

/** Bytes of one connection that are kept; the rest is counted only. */
const mostKept = 1024 * 1024;

/** A connection to the upstream: keeps every byte, and reads it in the primary way. */
export class UpstreamConnection {
  readonly id: number;
  readonly socket: Socket;
  readonly requests: SeenRequest[] = [];
  /** What came after the connection had become a tunnel. */
  tunnelled = "";
  isClosed = false;
  readonly #owners: Owners;
  readonly #answer: (exchange: Exchange) => void;
  #bytes = "";
  #unread = "";
  #size = 0;
  #isTunnel = false;
  #open: {
    readonly request: { body: string; isWhole: boolean } & ReadHead;
    readonly end: () => void;
  } | null = null;

  constructor(
    id: number,
    socket: Socket,
    parts: { readonly owners: Owners; readonly answer: (exchange: Exchange) => void },
  ) {
    this.id = id;
    this.socket = socket;
    this.#owners = parts.owners;
    this.#answer = parts.answer;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  /** The first mebibyte of what came. */
  get bytes(): string {
    return this.#bytes;
  }

  /** How much has come. */
  get size(): number {
    return this.#size;
  }

  #take(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#bytes.length >= mostKept && this.#isTunnel) return;
    const text = chunk.toString("latin1");
    if (this.#bytes.length < mostKept) this.#bytes += text;
    if (this.#isTunnel) this.tunnelled += text;
    else {
      this.#unread += text;
      this.#read();
    }
  }

  #read(): void {
    while (!this.#isTunnel && (this.#open === null ? this.#beginRequest() : this.#endRequest()));
    if (!this.#isTunnel) return;
    this.tunnelled += this.#unread;
    this.#unread = "";
  }

  #beginRequest(): boolean {
    const read = readHead(this.#unread, primary);
    if (read === null) return false;
    this.#unread = this.#unread.slice(read.size);
    const request = {
      ...read.head,
      connection: this,
      owner: this.#owners.ownerOf(read.head.headers),
      body: "",
      isWhole: false,
    };
    this.requests.push(request);
    let end = (): void => {};
    const whole = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#open = { request, end };
    this.#answer({
      request,
      whole,
      write: (bytes) => this.#write(bytes),
      end: (bytes = "") => void (this.socket.writable && this.socket.end(bytes, "latin1")),
      tunnel: () => {
        this.#isTunnel = true;
        this.#open?.end();
      },
    });
    return true;
  }

  #endRequest(): boolean {
    const { request, end } = this.#open ?? {};
    if (!request || !end) return false;
    const read = readBody(this.#unread, request.framing);
    request.body = read?.body ?? this.#unread;
    if (read === null) return false;
    this.#unread = this.#unread.slice(read.size);
    request.isWhole = true;
    this.#open = null;
    end();
    return true;
  }

  #write(bytes: string): void {
    if (this.socket.writable) this.socket.write(bytes, "latin1");
  }
}
