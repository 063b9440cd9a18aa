import type { Clock } from "../kernel/clock.ts";
import { timeBetween } from "./gate-rate.ts";

/** Where the next turn is far away the gate is asked in between, since it may have been closed meanwhile. Milliseconds. */
const longestRest = 1000;

/** Knows when a node may ask for turns again, and when one with so many ahead will have his. */
export class Pace {
  readonly #clock: Clock;
  /** Milliseconds between two turns of all nodes. */
  readonly #each: number;
  /** Nodes that take turns. */
  #sharers = 1;
  #rest: { readonly until: number; readonly length: number; readonly cancel: () => void } | null = null;

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#each = timeBetween(perMinute);
  }

  /** Whether it is known that nobody can have a turn now. */
  get isResting(): boolean {
    return this.#rest !== null;
  }

  /** There is no turn for `wait` milliseconds, and `sharers` nodes take turns: runs `task` after that, or earlier. */
  rest(wait: number, sharers: number, task: () => void): void {
    this.stop();
    this.#sharers = sharers;
    const cancel = this.#clock.setTimer(Math.min(wait, longestRest), () => {
      this.#rest = null;
      task();
    });
    this.#rest = { until: this.#clock.now() + wait, length: wait, cancel };
  }

  /** Ends the rest without a task. */
  stop(): void {
    this.#rest?.cancel();
    this.#rest = null;
  }

  /** Milliseconds until the turn of one with so many ahead at this node. */
  untilTurn(ahead: number): number {
    const { until = 0, length = 0 } = this.#rest ?? {};
    const rest = Math.min(Math.max(0, until - this.#clock.now()), length);
    return rest + ahead * this.#each * this.#sharers;
  }
}
