import type { IncomingMessage, ServerResponse } from "node:http";
import { PassThrough } from "node:stream";

/** The head of an answer, on its way to a framework. */
export interface DetachedHead {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/**
 * A response that has no connection: a framework that sends answers in its own way reads from it what the proxy writes to
 * it. So there is one door for all of them. It is full as soon as the framework stops reading, and it is over, "close", when
 * the framework has read it all or has let go of it: the proxy hears of a slow and of a gone client as from a connection.
 */
export class DetachedResponse extends PassThrough {
  /** What the proxy looks back at. */
  readonly req: IncomingMessage;
  readonly socket: IncomingMessage["socket"];
  /** The head as soon as it stands; null where the answer was cut before. */
  readonly head: Promise<DetachedHead | null>;
  statusCode = 200;
  headersSent = false;
  /** False where the connection, if there is one, cannot be used again. */
  shouldKeepAlive = true;
  sendDate = true;
  #tell!: (head: DetachedHead | null) => void;

  constructor(request: IncomingMessage) {
    super();
    this.req = request;
    this.socket = request.socket;
    this.head = new Promise((resolve) => {
      this.#tell = resolve;
    });
    this.once("close", () => this.#tell(null));
  }

  /** Itself, as the proxy takes it: it uses of a response what stands here, and what a stream has. */
  get asServerResponse(): ServerResponse {
    return this as unknown as ServerResponse;
  }

  writeHead(status: number, headers: readonly string[]): this {
    this.statusCode = status;
    this.headersSent = true;
    this.#tell({ status, headers });
    return this;
  }

  /** Tells by "ended" that nothing more is written: what has not been read lies here, all of it. */
  override end(...given: unknown[]): this {
    super.end(...(given as []));
    this.emit("ended");
    return this;
  }

  /** Headers of the host stay with its framework, which joins them with ours. */
  getHeaderNames(): readonly string[] {
    return [];
  }

  /** The head is told at once. */
  flushHeaders(): void {}

  /** Whether an answer of this status to this method has no body by its nature. RFC 9110 §6.4.1 */
  static isBodiless(method: string | undefined, status: number): boolean {
    return method === "HEAD" || status === 204 || status === 205 || status === 304;
  }
}
