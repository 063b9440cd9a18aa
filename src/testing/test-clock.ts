import { type Clock, systemClock } from "../kernel/clock.ts";
import { refuseInProduction } from "./refuse-production.ts";

/** A clock that runs with the machine's and can be driven ahead. */
export interface TestClock extends Clock {
  /**
   * Moves the time on by `ms` milliseconds, 0 or more, and runs what falls due on the way, in its order. What such work
   * waits for (the tenant, the store) is not waited for: await an event of it, and move on then.
   */
  advance(ms: number): void;
}

interface Timer {
  readonly at: number;
  readonly task: () => void;
  cancel: () => void;
}

/** As in Node, a timer is never due at once: work that orders itself anew would hold the time where it is. */
const shortest = 1;

/** Creates a clock that starts at the machine's time; for `createTestTenant` and the proxy's option `clock`. */
export function createTestClock(): TestClock {
  refuseInProduction("A test clock");
  const timers = new Set<Timer>();
  let ahead = 0;
  const now = (): number => systemClock.now() + ahead;

  const arm = (timer: Timer): void => {
    timer.cancel();
    timer.cancel = systemClock.setTimer(timer.at - now(), () => {
      // Long waits are cut by the machine's clock.
      if (timer.at > now()) arm(timer);
      else if (timers.delete(timer)) timer.task();
    });
  };
  const firstUpTo = (end: number): Timer | undefined =>
    [...timers].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0];

  return {
    now,
    setTimer(ms, task) {
      const timer: Timer = { at: now() + Math.max(shortest, ms), task, cancel: () => {} };
      timers.add(timer);
      arm(timer);
      return () => {
        timers.delete(timer);
        timer.cancel();
      };
    },
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`The time moves ahead only, not by ${ms} ms.`);
      const end = now() + ms;
      for (let due = firstUpTo(end); due; due = firstUpTo(end)) {
        timers.delete(due);
        due.cancel();
        ahead += Math.max(0, due.at - now());
        due.task();
      }
      ahead += Math.max(0, end - now());
      for (const timer of timers) arm(timer);
    },
  };
}
