import type { Socket } from "node:net";
import type { UpstreamRequest } from "../listener.ts";
import { writeFraming, writeNoBody } from "./request-head.ts";
import { WireError } from "./wire-error.ts";

/** Hears how far a request is. */
export interface WriterWatch {
  /** A piece has been handed to the connection. */
  moved(): void;
  /** The body cannot be sent to its end. */
  failed(error: unknown): void;
}

/**
 * Writes a request, its body as fast as the connection takes it. The head waits for the first piece of the body, so that
 * both leave together, and so that a body that is empty after all is not announced.
 */
export class RequestWriter {
  readonly #socket: Socket;
  readonly #head: string;
  readonly #request: UpstreamRequest;
  readonly #watch: WriterWatch;
  #written = 0;
  #isStopped = false;
  #wake: (() => void) | null = null;
  /** Whether a byte has been written. */
  hasBegun = false;
  /** Whether the last byte has been written. */
  isDone = false;

  constructor(socket: Socket, head: string, request: UpstreamRequest, watch: WriterWatch) {
    this.#socket = socket;
    this.#head = head;
    this.#request = request;
    this.#watch = watch;
  }

  /** Whether the connection, and not the source of the body, is what is waited for. */
  get isHeldBack(): boolean {
    return this.#socket.writableNeedDrain;
  }

  start(): void {
    if (this.#request.body === null) this.#end();
    else void this.#pump(this.#request.body);
  }

  /** Writes no further byte; a piece that the source still owes is thrown away when it comes. */
  stop(): void {
    this.#isStopped = true;
    this.#wake?.();
  }

  async #pump(body: AsyncIterable<Buffer>): Promise<void> {
    const wake = (): void => this.#wake?.();
    this.#socket.on("drain", wake);
    try {
      for await (const piece of body) {
        if (this.#isStopped) return;
        if (piece.length > 0 && !this.#write(piece)) await this.#drained();
        if (this.#isStopped) return;
      }
      if (!this.#isStopped) this.#end();
    } catch (error) {
      if (!this.#isStopped) this.#watch.failed(error);
    } finally {
      this.#socket.off("drain", wake);
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #write(piece: Buffer): boolean {
    // A source that decodes gives text: its length is another one than that of the bytes that would be written.
    if (!(piece instanceof Uint8Array)) throw new WireError("HTTP1_REQUEST_BODY", "the body is not bytes");
    const { contentLength } = this.#request;
    if (contentLength !== undefined && this.#written + piece.length > contentLength) throw wrongLength();
    this.#socket.cork();
    if (!this.hasBegun) this.#socket.write(this.#head + writeFraming(contentLength), "latin1");
    this.hasBegun = true;
    this.#written += piece.length;
    if (contentLength === undefined) this.#socket.write(`${piece.length.toString(16)}\r\n`, "latin1");
    let hasRoom = this.#socket.write(piece);
    if (contentLength === undefined) hasRoom = this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
    this.#watch.moved();
    return hasRoom;
  }

  #end(): void {
    const { contentLength = this.#written, method } = this.#request;
    if (this.#written !== contentLength) throw wrongLength();
    if (!this.hasBegun) this.#socket.write(this.#head + writeNoBody(method), "latin1");
    else if (this.#request.contentLength === undefined) this.#socket.write("0\r\n\r\n", "latin1");
    this.hasBegun = true;
    this.isDone = true;
    this.#watch.moved();
  }
}

const wrongLength = (): WireError =>
  new WireError("HTTP1_REQUEST_BODY", "the body is not as long as was said");
