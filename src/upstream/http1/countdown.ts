/** One wait at a time, with a limit. */
export class Countdown {
  #timer: NodeJS.Timeout | null = null;
  #late: NodeJS.Immediate | null = null;

  /** Calls `expired` after `ms` milliseconds, in the place of what was waited for before. */
  start(ms: number, expired: () => void): void {
    this.stop();
    this.#timer = setTimeout(() => {
      // Where the process was held up, what is waited for may have come already, and nobody has read it yet.
      this.#late = setImmediate(expired);
    }, ms);
  }

  /** Begins the wait again. */
  refresh(): void {
    if (this.#late) clearImmediate(this.#late);
    this.#late = null;
    this.#timer?.refresh();
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#late) clearImmediate(this.#late);
    this.#timer = null;
    this.#late = null;
  }

  /** Whether something is waited for. */
  get isRunning(): boolean {
    return this.#timer !== null;
  }
}
