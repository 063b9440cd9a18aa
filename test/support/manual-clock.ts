import type { Clock } from "../../src/kernel/clock.ts";

/** A clock that stands still until the test moves it; serves the proxy and the local tenant alike. */
export interface ManualClock extends Clock {
  /** Moves the time on, running what falls due on the way in its order. Milliseconds. */
  advance(ms: number): void;
}

/** Creates a clock that starts at the machine's time. */
export function createManualClock(): ManualClock {
  const timers = new Set<{ readonly at: number; readonly task: () => void }>();
  let now = Date.now();
  const nextUpTo = (end: number) =>
    [...timers].filter(({ at }) => at <= end).sort((first, second) => first.at - second.at)[0];
  return {
    now: () => now,
    setTimer(ms, task) {
      const timer = { at: now + Math.max(0, ms), task };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance(ms) {
      const end = now + ms;
      for (let due = nextUpTo(end); due; due = nextUpTo(end)) {
        timers.delete(due);
        now = Math.max(now, due.at);
        due.task();
      }
      now = end;
    },
  };
}
