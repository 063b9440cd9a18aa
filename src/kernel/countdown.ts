import { performance } from "node:perf_hooks";

const never = Number.POSITIVE_INFINITY;

const nothing = (): void => {};

/**
 * One wait at a time, with a limit. Its timer runs on when a wait is over, and looks when it is due whether another one has
 * gone on for too long: most waits are short and many. It never keeps the process alive. Earned by: bench 200B and 50MB.
 */
export class Countdown {
  #timer: NodeJS.Timeout | null = null;
  /** When the timer is due. */
  #due = 0;
  #limit = 0;
  /** When the wait is too long. */
  #until = never;
  #expired: () => void = nothing;

  /** Whether something is waited for. */
  get isRunning(): boolean {
    return this.#until !== never;
  }

  /** Calls `expired` after `ms` milliseconds, in the place of what was waited for before. */
  start(ms: number, expired: () => void): void {
    this.#expired = expired;
    this.#limit = ms;
    this.#until = performance.now() + ms;
    if (this.#timer === null || this.#due > this.#until) this.#arm(ms);
  }

  /** Begins the wait again. */
  refresh(): void {
    if (this.isRunning) this.#until = performance.now() + this.#limit;
  }

  /** What was waited for has come. */
  stop(): void {
    this.#until = never;
    this.#expired = nothing;
  }

  /** Nothing will be waited for any more: no timer is left behind. */
  close(): void {
    this.stop();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(ms: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#due = performance.now() + ms;
    this.#timer = setTimeout(this.#look, ms).unref();
  }

  #look = (): void => {
    this.#timer = null;
    if (!this.isRunning) return;
    const left = this.#until - performance.now();
    // node's timers are of whole milliseconds, and may be early by a part of one.
    if (left > 1) this.#arm(Math.ceil(left));
    // Where the process was held up, what is waited for may have come already, and nobody has read it yet.
    else setImmediate(this.#end, this.#until);
  };

  #end = (until: number): void => {
    if (this.#until !== until) {
      // Meanwhile another wait has begun; it may have found the timer gone, and set its own.
      if (this.isRunning && this.#timer === null) this.#look();
      return;
    }
    const expired = this.#expired;
    this.stop();
    expired();
  };
}
