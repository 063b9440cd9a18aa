/** The local tenant's own clock, so that skew against the proxy can be tested. */
export interface EmulatorClock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/** A clock that runs with the machine's and can be moved by hand. */
export interface MovableClock extends EmulatorClock {
  /** Moves the clock by `ms` milliseconds; negative values move it back. */
  advance(ms: number): void;
}

/** Creates a clock that starts at the machine's time. */
export function createClock(): MovableClock {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    advance(ms) {
      offset += ms;
    },
  };
}

/** Makes a given clock movable; the machine's if none is given. */
export function toMovableClock(clock?: EmulatorClock): MovableClock {
  if (clock === undefined) return createClock();
  if ("advance" in clock) return clock as MovableClock;
  let offset = 0;
  return {
    now: () => clock.now() + offset,
    advance(ms) {
      offset += ms;
    },
  };
}
