import type { Socket } from "node:net";

/** What a browser may send ahead of its answer; more is left in the kernel. Bytes. */
const most = 64 * 1024;

/**
 * Reads a socket whose upgrade has not been answered: what comes is kept for the tenant, and a browser that leaves is
 * noticed, which it is not on a socket that nobody reads.
 */
export class EarlyBytes {
  readonly #socket: Socket;
  readonly #head: Buffer;
  /** What came behind the head; usually nothing. */
  #more: Buffer[] | null = null;
  #size: number;
  /** Whether the browser has left. */
  isGone = false;
  /** Called when it leaves; a place for the one who waits at the moment. */
  onGone: (() => void) | null = null;

  constructor(socket: Socket, head: Buffer) {
    this.#socket = socket;
    this.#head = head;
    this.#size = head.length;
    socket.on("data", this.#keep);
    for (const event of leaving) socket.on(event, this.#leave);
  }

  /** Stops, and gives what came; whoever takes it has to listen to the socket in the same turn. */
  take(): Buffer {
    this.#socket.off("data", this.#keep);
    for (const event of leaving) this.#socket.off(event, this.#leave);
    if (this.#socket.isPaused()) this.#socket.resume();
    return this.#more === null ? this.#head : Buffer.concat([this.#head, ...this.#more]);
  }

  #keep = (chunk: Buffer): void => {
    (this.#more ??= []).push(chunk);
    this.#size += chunk.length;
    if (this.#size > most) this.#socket.pause();
  };

  #leave = (): void => {
    this.isGone = true;
    this.onGone?.();
  };
}

const leaving = ["end", "error", "close"] as const;
