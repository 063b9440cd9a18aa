import type { Clock } from "../../src/kernel/clock.ts";
import { beginning, type Scheduler } from "./scheduler.ts";

/** Something that waits for a paused process. */
interface Held {
  readonly isTimer: boolean;
  readonly run: () => void;
}

/** One process of a node: its clock, its timers and what reaches it; it can stand still, and die. */
export class SimulatedProcess {
  readonly name: string;
  /** How far its clock is ahead of the true time. Milliseconds; it never changes, as after a time server's word. */
  readonly skew: number;
  readonly clock: Clock;
  /** When the last pause ended; 0 for never. */
  resumedAt = 0;
  readonly #scheduler: Scheduler;
  readonly #held: Held[] = [];
  #state: "running" | "paused" | "dead" = "running";

  constructor(name: string, skew: number, scheduler: Scheduler) {
    this.name = name;
    this.skew = skew;
    this.#scheduler = scheduler;
    this.clock = {
      now: () => Math.floor(beginning + scheduler.now + skew),
      setTimer: (ms, task) => this.#later(ms, task, true),
    };
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  get isPaused(): boolean {
    return this.#state === "paused";
  }

  /** Something reaches the process after a while: a reply, a message, a request. */
  deliver(ms: number, task: () => void): void {
    this.#later(ms, task, false);
  }

  /** Stands still: timers and deliveries wait, the clock goes on. */
  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  /** Goes on; `timersFirst` as Node's loop does after a long stop, else in the order of their times. */
  resume(timersFirst: boolean): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    this.resumedAt = this.#scheduler.now;
    const held = this.#held.splice(0);
    const inOrder = timersFirst
      ? [...held.filter((each) => each.isTimer), ...held.filter((each) => !each.isTimer)]
      : held;
    for (const { run, isTimer } of inOrder) this.#later(0, run, isTimer);
  }

  /** Ends for good: whatever was under way is lost. */
  kill(): void {
    this.#state = "dead";
    this.#held.length = 0;
  }

  #later(ms: number, task: () => void, isTimer: boolean): () => void {
    let cancelled = false;
    const run = (): void => {
      if (cancelled || this.#state === "dead") return;
      if (this.#state === "paused") this.#held.push({ isTimer, run });
      else task();
    };
    const cancel = this.#scheduler.after(ms, run);
    return () => {
      cancelled = true;
      cancel();
    };
  }
}
