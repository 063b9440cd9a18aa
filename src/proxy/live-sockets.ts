/** A spliced socket as the rest of the proxy sees it. */
export interface LiveSocket {
  /** Sends our close frame and ends both sides; within a second no byte travels any more. rules R13 */
  close(code: number, reason: string): void;
}

/** The sockets of every session, so that an end reaches them. */
export class LiveSockets {
  readonly #byKey = new Map<string, Set<LiveSocket>>();
  #count = 0;
  #whenEmpty: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  countOf(key: string): number {
    return this.#byKey.get(key)?.size ?? 0;
  }

  /** Adds a socket; the returned function takes it out. */
  add(key: string, socket: LiveSocket): () => void {
    const sockets = this.#byKey.get(key) ?? new Set();
    this.#byKey.set(key, sockets.add(socket));
    this.#count += 1;
    return () => {
      if (!sockets.delete(socket)) return;
      this.#count -= 1;
      if (sockets.size === 0 && this.#byKey.get(key) === sockets) this.#byKey.delete(key);
      if (this.#count === 0) for (const tell of this.#whenEmpty.splice(0)) tell();
    };
  }

  /** Closes the sockets of one session at once. */
  closeOf(key: string, code: number, reason: string): void {
    for (const socket of this.#byKey.get(key) ?? []) socket.close(code, reason);
  }

  /** Closes all sockets, evenly over `spread` milliseconds, so that their clients do not all come back at once. rules R11 */
  closeAll(code: number, reason: string, spread: number): void {
    const sockets = [...this.#byKey.values()].flatMap((each) => [...each]);
    for (const [index, socket] of sockets.entries()) {
      const wait = (index / sockets.length) * spread;
      if (wait < 1) socket.close(code, reason);
      else setTimeout(() => socket.close(code, reason), wait).unref();
    }
  }

  /** Resolves when no socket is left. */
  empty(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }
}
