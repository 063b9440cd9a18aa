import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";

/** What was seen of a stream when last looked at. */
interface Seen {
  /** Bytes that wait for the client. */
  waiting: number;
  /** Whether there has been room for more since. */
  drained: boolean;
  /** Since when the client has taken nothing. */
  since: number;
  isCut: boolean;
}

/**
 * A connection of HTTP/2 whose client may take nothing of what it is answered. Each stream has a window of its own, which can
 * stay nothing for ever while the connection lives; and a connection that we have closed may stay, too. attacks B2
 */
export class Http2Connection {
  readonly session: ServerHttp2Session;
  readonly #socket: TLSSocket;
  readonly #streams = new Map<ServerHttp2Stream, Seen>();
  #overSince: number | null = null;

  /** The session does not give its socket away: ending that is the only end for which no client is needed. */
  constructor(session: ServerHttp2Session, socket: TLSSocket) {
    this.session = session;
    this.#socket = socket;
    session.on("stream", (stream) => this.#follow(stream));
  }

  #follow(stream: ServerHttp2Stream): void {
    const seen: Seen = { waiting: 0, drained: false, since: performance.now(), isCut: false };
    this.#streams.set(stream, seen);
    stream.on("drain", () => {
      seen.drained = true;
    });
    stream.once("close", () => this.#streams.delete(stream));
  }

  /**
   * Resets each stream whose client has taken nothing of an answer for so many milliseconds; ends the connection where that does
   * not get through to it, or nothing is under way on it any more.
   */
  cutUnread(limit: number): void {
    const now = performance.now();
    const isOver = this.session.closed && this.#streams.size === 0;
    this.#overSince = isOver ? (this.#overSince ?? now) : null;
    if (this.#overSince !== null && now - this.#overSince >= limit) this.#socket.destroy();
    for (const [stream, seen] of this.#streams) {
      if (takes(stream, seen)) {
        Object.assign(seen, { waiting: stream.writableLength, drained: false, since: now });
      } else if (now - seen.since >= limit) {
        if (seen.isCut) this.#socket.destroy();
        else stream.close(constants.NGHTTP2_CANCEL);
        Object.assign(seen, { since: now, isCut: true });
      }
    }
  }

  /** The session alone would wait for a client that does not read. */
  destroy(): void {
    this.session.destroy();
    setImmediate(() => this.#socket.destroy());
  }
}

/** Whether the client has taken something since, or there is nothing to take. */
function takes({ writableLength, writableEnded }: ServerHttp2Stream, seen: Seen): boolean {
  if (seen.isCut) return false;
  const isWaiting = writableLength > 0 || writableEnded;
  return !isWaiting || seen.drained || writableLength !== seen.waiting;
}
