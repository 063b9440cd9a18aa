import type { Scheduler } from "./scheduler.ts";

/** What happened, for the reader of a failing seed; nothing is kept unless it was asked for. */
export class Trace {
  readonly #scheduler: Scheduler;
  readonly #lines: string[] | null;
  readonly #names = new Map<string, string>();

  constructor(scheduler: Scheduler, isKept: boolean) {
    this.#scheduler = scheduler;
    this.#lines = isKept ? [] : null;
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  /** Notes what somebody did; `what` is asked only where a trace is kept. */
  note(who: string, what: () => string): void {
    this.#lines?.push(`${this.#scheduler.now.toFixed(1).padStart(9)}  ${who.padEnd(6)} ${what()}`);
  }

  /** A short name that is the same in every run of the seed, for keys that are not: `k1`, `k2`… */
  short(kind: string, text: string): string {
    const known = this.#names.get(kind + text);
    if (known !== undefined) return known;
    const count = [...this.#names.keys()].filter((each) => each.startsWith(kind)).length;
    const name = `${kind}${count + 1}`;
    this.#names.set(kind + text, name);
    return name;
  }
}
