/** The only place that knows the time; tests put their own clock in its stead. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `task` once after `ms` milliseconds; the returned function cancels it. Never keeps the process alive. */
  setTimer(ms: number, task: () => void): () => void;
}

/** Node timers overflow above 2^31-1 ms and then fire at once, so longer waits are cut to this. */
const LONGEST_TIMER = 2_147_483_647;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(ms, task) {
    const timer = setTimeout(task, Math.min(Math.max(0, ms), LONGEST_TIMER));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
