import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { ReadableStreamDefaultReader } from "node:stream/web";

/** What a web request does not say of its connection. */
export interface Connection {
  /** Address of the peer, where the framework knows it. */
  readonly remoteAddress: string | undefined;
  readonly encrypted: boolean;
  readonly destroyed: false;
}

/** How long a body is, is said anew: it may have been made by a program, and then nobody has said it. */
const framing = new Set(["content-length", "transfer-encoding"]);

/** A web request in the form of node's, as far as the proxy and an identity source look at it. */
export class WebRequest extends Readable {
  readonly web: Request;
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingHttpHeaders;
  readonly httpVersion = "1.1";
  readonly httpVersionMajor = 1;
  readonly httpVersionMinor = 1;
  readonly socket: Connection;
  #reader: ReadableStreamDefaultReader<unknown> | null = null;

  constructor(web: Request, remoteAddress?: string) {
    super();
    const url = new URL(web.url);
    this.web = web;
    this.method = web.method;
    url.hash = "";
    // As it is written, an empty query too.
    this.url = url.href.slice(url.origin.length);
    this.rawHeaders = rawHeadersOf(web, url.host);
    this.headers = toNodeHeaders(this.rawHeaders);
    this.socket = { remoteAddress, encrypted: url.protocol === "https:", destroyed: false };
    // What somebody else has left of a body is nothing, which the proxy must not take for the body. `identify` may be who reads it.
    Object.defineProperty(this, "readableDidRead", {
      get: () => this.#reader !== null || this.#isTaken(),
    });
  }

  #isTaken(): boolean {
    return this.web.bodyUsed || this.web.body?.locked === true;
  }

  /** Itself, as the proxy takes it. */
  get asIncomingMessage(): IncomingMessage {
    return this as unknown as IncomingMessage;
  }

  override _read(): void {
    const { body } = this.web;
    if (this.#reader === null && (body === null || this.#isTaken())) {
      this.push(null);
      return;
    }
    this.#reader ??= body?.getReader() as ReadableStreamDefaultReader<unknown>;
    this.#reader
      .read()
      .then(({ done, value }) => void this.push(done ? null : bytesOf(value)))
      .catch((cause: unknown) => {
        this.destroy(new Error("the body of the request broke off", { cause }));
      });
  }

  /** What is left of the body is not wanted any more; the host's server need not wait for it. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { body } = this.web;
    const letGo = this.#reader?.cancel() ?? (body === null || body.locked ? undefined : body.cancel());
    letGo?.catch(() => {});
    done(error);
  }
}

/** A program may have made the body, of pieces of any kind. @throws TypeError */
function bytesOf(piece: unknown): Buffer {
  if (!ArrayBuffer.isView(piece)) throw new TypeError("a piece of the body is not bytes");
  return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}

/**
 * The headers of a web request as they would have come over a connection. `Host` is what the client said, where the server
 * hands that on; some, such as that of Next, put a name of their own into the URL.
 */
function rawHeadersOf({ headers, body, method }: Request, host: string): readonly string[] {
  const raw: string[] = ["host", headers.get("host") ?? host];
  for (const [name, value] of headers) {
    if (name !== "host" && !framing.has(name)) raw.push(name, value);
  }
  const length = headers.get("content-length");
  const coding = headers.get("transfer-encoding");
  if (body === null) {
    if (method !== "GET" && method !== "HEAD" && length !== null) raw.push("content-length", "0");
    // There is nothing that it could hold; another coding than this one is refused.
    if (coding !== null && coding.toLowerCase() !== "chunked") raw.push("transfer-encoding", coding);
    return raw;
  }
  if (length !== null) raw.push("content-length", length);
  if (coding !== null || length === null) raw.push("transfer-encoding", coding ?? "chunked");
  return raw;
}

function toNodeHeaders(raw: readonly string[]): IncomingHttpHeaders {
  const headers: Record<string, string> = {};
  for (let index = 0; index + 1 < raw.length; index += 2) headers[raw[index] ?? ""] = raw[index + 1] ?? "";
  return headers;
}

/** An upgrade as a web request, so that one function can say who sends either. */
export function toWebRequest(request: IncomingMessage): Request {
  const headers = new Headers();
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    headers.append(request.rawHeaders[index] ?? "", request.rawHeaders[index + 1] ?? "");
  }
  const scheme = "encrypted" in request.socket ? "https" : "http";
  const origin = `${scheme}://${headers.get("host") ?? "localhost"}`;
  // The target begins with "/": the proxy takes no other.
  return new Request(origin + (request.url ?? "/"), { method: request.method ?? "GET", headers });
}
