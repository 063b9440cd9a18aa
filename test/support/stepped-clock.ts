import { createManualClock, type ManualClock } from "./manual-clock.ts";

/** A clock whose hands are moved while its timers run on, as an NTP server does it. */
export interface SteppedClock extends ManualClock {
  /** Milliseconds, either way. */
  step(by: number): void;
}

export function createSteppedClock(base: ManualClock = createManualClock()): SteppedClock {
  let skew = 0;
  return {
    now: () => base.now() + skew,
    setTimer: base.setTimer,
    advance: base.advance,
    step: (by) => {
      skew += by;
    },
  };
}
