import { performance } from "node:perf_hooks";

/**
 * Tells when something has been unused for too long. Its timer runs on while the thing is used, and looks when it is due
 * whether there is anything to tell. Earned by: bench 200B, beside a timer for each time of rest.
 */
export class IdleLimit {
  readonly #expired: () => void;
  #timer: NodeJS.Timeout | null = null;
  /** When the timer is due. */
  #due = 0;
  /** When the rest is too long; infinite while there is none. */
  #until = Number.POSITIVE_INFINITY;

  constructor(expired: () => void) {
    this.#expired = expired;
  }

  /** A rest begins, which is too long after `ms` milliseconds. */
  start(ms: number): void {
    this.#until = performance.now() + ms;
    if (this.#timer === null || this.#due > this.#until) this.#arm(ms);
  }

  /** It is used again. */
  stop(): void {
    this.#until = Number.POSITIVE_INFINITY;
  }

  /** It is gone: no timer is left behind. */
  close(): void {
    this.stop();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(ms: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#due = performance.now() + ms;
    this.#timer = setTimeout(() => this.#look(), ms);
    // The process need not live on for what nobody uses.
    this.#timer.unref();
  }

  #look(): void {
    this.#timer = null;
    if (this.#until === Number.POSITIVE_INFINITY) return;
    const left = this.#until - performance.now();
    // node's timers are of whole milliseconds, and may be early by the rest of one.
    if (left > 1) this.#arm(Math.ceil(left));
    else this.#expired();
  }
}
