import type { Socket } from "node:net";

/** What a browser may send ahead of its answer; more is left in the kernel. Bytes. */
const most = 64 * 1024;

/**
 * Reads a socket whose upgrade has not been answered: what comes is kept for the tenant, and a browser that leaves is
 * noticed, which it is not on a socket that nobody reads.
 */
export class EarlyBytes {
  readonly #socket: Socket;
  readonly #onLeave: () => void;
  readonly #chunks: Buffer[];
  #size: number;

  constructor(socket: Socket, head: Buffer, onLeave: () => void) {
    this.#socket = socket;
    this.#onLeave = onLeave;
    this.#chunks = [head];
    this.#size = head.length;
    socket.on("data", this.#keep);
    for (const event of ["end", "error", "close"]) socket.on(event, onLeave);
  }

  /** Stops, and gives what came; whoever takes it has to listen to the socket in the same turn. */
  take(): Buffer {
    this.#socket.off("data", this.#keep);
    for (const event of ["end", "error", "close"]) this.#socket.off(event, this.#onLeave);
    if (this.#socket.isPaused()) this.#socket.resume();
    return Buffer.concat(this.#chunks.splice(0));
  }

  #keep = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size > most) this.#socket.pause();
  };
}
