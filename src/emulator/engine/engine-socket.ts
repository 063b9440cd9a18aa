import type { RawData, WebSocket } from "ws";
import { dispatch } from "./dispatch.ts";
import type { EngineApps } from "./engine-apps.ts";
import type { EngineSession, SessionSocket } from "./engine-session.ts";

/** A client's WebSocket, attached to an engine session. */
export class EngineSocket implements SessionSocket {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  send(text: string): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(text);
  }

  sendFragmented(text: string, fragments: number): void {
    const bytes = Buffer.from(text);
    const length = Math.max(1, Math.ceil(bytes.length / fragments));
    for (let start = 0; start < bytes.length; start += length) {
      const end = start + length;
      // A text message in pieces: the frames carry bytes, so a cut through a character does no harm.
      this.#socket.send(bytes.subarray(start, end), { binary: false, fin: end >= bytes.length });
    }
  }

  /** Answers every text frame from now on, in the order they come. */
  serve(
    session: EngineSession,
    apps: EngineApps,
    {
      onFrame,
      afterFirst,
    }: { readonly onFrame: (() => void) | undefined; readonly afterFirst?: string | undefined },
  ): void {
    if (afterFirst !== undefined) this.#socket.once("message", () => this.send(afterFirst));
    this.#socket.on("message", (data: RawData, isBinary: boolean) => {
      onFrame?.();
      if (isBinary) return;
      dispatch(toText(data), { session, socket: this, apps });
    });
  }

  /** Starts the closing handshake. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** Drops the connection without a word. */
  destroy(): void {
    this.#socket.terminate();
  }
}

function toText(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return (Buffer.isBuffer(data) ? data : Buffer.from(data)).toString("utf8");
}
