import type { SessionDurations } from "../../src/session/session-deadlines.ts";
import type { Random } from "./random.ts";

/** What may go wrong in a simulation. */
export const faultKinds = [
  "partition",
  "outage",
  "loss",
  "rollback",
  "deaf",
  "lossy-bus",
  "lost-replies",
  "slow-store",
  "pause",
  "kill",
  "failing-tenant",
  "throttling-tenant",
  "refused-user",
] as const;

export type FaultKind = (typeof faultKinds)[number];

/** Everything that a seed decides before the simulation begins. */
export interface Plan {
  /** How far the clock of each node is ahead. Milliseconds. */
  readonly skews: readonly number[];
  readonly users: number;
  readonly faults: ReadonlySet<FaultKind>;
  /** Mean time between two faults. Milliseconds. */
  readonly faultEvery: number;
  /** Mean time between two things that people do. Milliseconds. */
  readonly workEvery: number;
  /** How long people and faults act, before all is well and must settle. Milliseconds. */
  readonly busyFor: number;
  /** The usual time of one way to the store. Milliseconds. */
  readonly storeDelay: number;
  /** The longest login while the tenant is well. Milliseconds. */
  readonly slowestLogin: number;
  /** Mean time between two sessions that the tenant ends by itself. Milliseconds. */
  readonly expiryEvery: number;
  /** The part of the host's second answers that name somebody else. */
  readonly flips: number;
  readonly durations: SessionDurations;
  readonly loginTimeout: number;
  readonly storeTimeout: number;
  readonly storeGrace: number;
  /** Whether documents are really sealed. */
  readonly isSealed: boolean;
}

/** Lets a seed decide. Times are short, so that every clock of a session runs out within a simulation. */
export function createPlan(random: Random): Plan {
  // Every seventh world is one without faults, in which nothing at all may fail.
  const isCalm = random.chance(1 / 7);
  const part = random.between(0.1, 0.5);
  const isNear = random.chance(0.5);
  return {
    skews: Array.from({ length: 2 + random.below(3) }, () =>
      isNear ? 0 : Math.round(random.between(-20_000, 20_000)),
    ),
    users: 1 + random.below(3),
    faults: new Set(isCalm ? [] : faultKinds.filter(() => random.chance(part))),
    faultEvery: random.between(1000, 6000),
    workEvery: random.between(100, 500),
    busyFor: random.between(10_000, 30_000),
    storeDelay: random.between(0.3, 8),
    slowestLogin: random.chance(0.3) ? 4500 : random.between(50, 1000),
    expiryEvery: random.between(2000, 20_000),
    flips: random.chance(0.2) ? 0.1 : 0,
    durations: {
      idleTimeout: random.pick([6000, 12_000, 60_000]),
      maxLifetime: random.pick([12_000, 30_000, 120_000]),
      renewBefore: 2000,
      revalidate: random.pick([5000, 20_000]),
      tenantIdle: random.pick([8000, 60_000]),
      tenantLifetime: random.pick([8000, 20_000, 60_000]),
    },
    loginTimeout: 5000,
    storeTimeout: 500,
    storeGrace: random.pick([2000, 8000]),
    isSealed: random.chance(0.05),
  };
}
