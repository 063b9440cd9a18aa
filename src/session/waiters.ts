import type { Clock } from "../kernel/clock.ts";
import { tagOf } from "../registry/session-key.ts";

/** Listens for one key from the moment it was made, so that what is heard before the waiting begins is not missed. */
export interface Watch {
  /** Resolves when something was heard, or after `ms` milliseconds; rejects with a failure that was heard. */
  wait(ms: number): Promise<void>;
  /** Stops listening; idempotent. */
  close(): void;
}

/** Wakes those who wait for the login of another node. */
export class Waiters {
  readonly #clock: Clock;
  readonly #watches = new Map<string, Set<(error: Error | null) => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins to listen for a key. */
  watch(key: string): Watch {
    const watches = this.#watches.get(key) ?? new Set();
    this.#watches.set(key, watches);
    let heard: { readonly error: Error | null } | null = null;
    let tell = (_error: Error | null): void => {};
    const hear = (error: Error | null): void => {
      heard = { error };
      tell(error);
    };
    watches.add(hear);
    return {
      wait: (ms) =>
        new Promise((resolve, reject) => {
          const cancel = this.#clock.setTimer(ms, () => tell(null));
          tell = (error) => {
            cancel();
            if (error) reject(error);
            else resolve();
          };
          if (heard) tell(heard.error);
        }),
      close: () => {
        watches.delete(hear);
        if (watches.size === 0 && this.#watches.get(key) === watches) this.#watches.delete(key);
      },
    };
  }

  /** Wakes all who wait for a key, with a failure if there is one. */
  wake(key: string, error: Error | null): void {
    for (const hear of this.#watches.get(key) ?? []) hear(error);
  }

  /** Wakes all who wait for any key of a subject, to look for themselves. */
  wakeTag(tag: string): void {
    for (const key of this.#watches.keys()) if (tagOf(key) === tag) this.wake(key, null);
  }

  /** Wakes everybody, to look for themselves. */
  wakeAll(): void {
    for (const key of this.#watches.keys()) this.wake(key, null);
  }
}
