import type { SocketHandshake } from "../admission.ts";

/** An open socket as the rest of the proxy sees it. */
export interface LiveSocket {
  /** What it was let in with. */
  readonly handshake: SocketHandshake;
  /** Sends our close frame and ends both sides; within a second no byte travels any more. rules R13 */
  close(code: number, reason: string): void;
  /** A part of the time has passed that a socket may be idle. */
  beat(): void;
  /** What has gone to the browser so far. */
  readonly bytesDown: number;
  /** What has gone to the tenant so far. */
  readonly bytesUp: number;
}

/** So many beats, and not one less, are the time that a socket may be idle. */
export const beatsOfIdle = 64;

/** The sockets of every session, so that an end reaches them. */
export class LiveSockets {
  readonly #byKey = new Map<string, Set<LiveSocket>>();
  readonly #idle: number;
  #count = 0;
  /** Of sockets that are gone. */
  readonly #past = { down: 0, up: 0 };
  /** Handshakes that have their place already. */
  opening = 0;
  #whenEmpty: (() => void)[] = [];
  #heart: NodeJS.Timeout | null = null;

  /** `idle` is how long a socket may be without a byte. Milliseconds. */
  constructor(idle: number) {
    this.#idle = idle;
  }

  get count(): number {
    return this.#count;
  }

  /** What has gone over all sockets so far, of those that are open too: they may live for hours. */
  bytes(): { readonly down: number; readonly up: number } {
    let { down, up } = this.#past;
    for (const sockets of this.#byKey.values())
      for (const { bytesDown, bytesUp } of sockets) {
        down += bytesDown;
        up += bytesUp;
      }
    return { down, up };
  }

  countOf(key: string): number {
    return this.#byKey.get(key)?.size ?? 0;
  }

  /** Open sockets by session key. */
  get counts(): readonly (readonly [key: string, count: number])[] {
    return [...this.#byKey].map(([key, { size }]) => [key, size]);
  }

  add(key: string, socket: LiveSocket): void {
    const sockets = this.#byKey.get(key);
    if (sockets === undefined) this.#byKey.set(key, new Set([socket]));
    else sockets.add(socket);
    this.#count += 1;
    // One for all of them: a timer each would be set and cleared with every socket. Earned by: bench idle-sockets
    this.#heart ??= setInterval(() => this.#beat(), Math.ceil(this.#idle / beatsOfIdle)).unref();
  }

  remove(key: string, socket: LiveSocket): void {
    const sockets = this.#byKey.get(key);
    if (sockets?.delete(socket) !== true) return;
    if (sockets.size === 0) this.#byKey.delete(key);
    this.#past.down += socket.bytesDown;
    this.#past.up += socket.bytesUp;
    this.#count -= 1;
    if (this.#count > 0) return;
    if (this.#heart) clearInterval(this.#heart);
    this.#heart = null;
    for (const tell of this.#whenEmpty.splice(0)) tell();
  }

  /** Closes the sockets of one session at once. */
  closeOf(key: string, code: number, reason: string): void {
    for (const socket of this.#byKey.get(key) ?? []) socket.close(code, reason);
  }

  /** Closes, with the code of what is said against it, every socket that something is said against; how many those are. */
  closeWhere(code: number, objection: (handshake: SocketHandshake) => string | null): number {
    let closed = 0;
    for (const socket of [...this.#byKey.values()].flatMap((each) => [...each])) {
      const reason = objection(socket.handshake);
      if (reason === null) continue;
      closed += 1;
      socket.close(code, JSON.stringify({ code: reason }));
    }
    return closed;
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

  #beat(): void {
    for (const sockets of this.#byKey.values()) for (const socket of sockets) socket.beat();
  }
}
