import type { Scheduler } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

/** What must hold in every simulation. */
export type Invariant =
  | "one-login"
  | "out-means-out"
  | "versions-go-up"
  | "every-waiter-is-answered"
  | "never-another-user"
  | "no-leak"
  | "no-crash"
  | "no-storm";

/** An invariant that did not hold. */
export interface Violation {
  readonly invariant: Invariant;
  /** Virtual milliseconds since the beginning. */
  readonly at: number;
  readonly what: string;
}

/** Takes down what does not hold; the first one ends the simulation. */
export class Verdicts {
  readonly violations: Violation[] = [];
  readonly #scheduler: Scheduler;
  readonly #trace: Trace;

  constructor(scheduler: Scheduler, trace: Trace) {
    this.#scheduler = scheduler;
    this.#trace = trace;
  }

  violated(invariant: Invariant, what: string): void {
    this.violations.push({ invariant, at: this.#scheduler.now, what });
    this.#trace.note("!!!!", () => `${invariant}: ${what}`);
    this.#scheduler.stop();
  }
}
