/** How long a lost socket path is remembered. Milliseconds; rules R11 */
const memory = 60_000;

/** Paths remembered; the oldest give way. */
const most = 10_000;

/**
 * Decides the close code for an upstream that was lost: 4003 brings the client back at once, so a path gets it once a
 * minute; otherwise 4206, after which the client waits. product B7
 */
export class LossMemory {
  readonly #lostAt = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** `openedAt`: sockets that were open before the last loss are part of it, and none of its returns. */
  codeFor(sessionKey: string, path: string, openedAt: number): 4003 | 4206 {
    const key = JSON.stringify([sessionKey, path]);
    const now = this.#now();
    const before = this.#lostAt.get(key);
    if (before !== undefined && now < before + memory) return openedAt <= before ? 4003 : 4206;
    this.#lostAt.delete(key);
    this.#lostAt.set(key, now);
    if (this.#lostAt.size > most) this.#lostAt.delete(this.#lostAt.keys().next().value ?? key);
    return 4003;
  }
}
