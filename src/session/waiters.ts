import type { Clock } from "../kernel/clock.ts";

/** Wakes those who wait for the login of another node. */
export class Waiters {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<(error: Error | null) => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when something is heard of the key, or after `ms` milliseconds; rejects with a failure that is heard. */
  wait(key: string, ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, waiting);
      const wake = (error: Error | null): void => {
        cancel();
        waiting.delete(wake);
        if (waiting.size === 0 && this.#waiting.get(key) === waiting) this.#waiting.delete(key);
        if (error) reject(error);
        else resolve();
      };
      const cancel = this.#clock.setTimer(ms, () => wake(null));
      waiting.add(wake);
    });
  }

  /** Wakes all who wait for a key, with a failure if there is one. */
  wake(key: string, error: Error | null): void {
    for (const wake of this.#waiting.get(key) ?? []) wake(error);
  }

  /** Wakes everybody, to look for themselves. */
  wakeAll(): void {
    for (const key of this.#waiting.keys()) this.wake(key, null);
  }
}
