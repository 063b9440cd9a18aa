import type { Conditions } from "./conditions.ts";
import type { Browser } from "./host.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** A log-out or a revocation as it really was. Virtual times. */
export interface TrueEnd {
  readonly kind: "logout" | "revoke";
  readonly subject: string;
  /** The host session that was logged out; undefined for all that have none, and for revocations. */
  readonly sessionId: string | undefined;
  readonly by: SimulatedProcess;
  readonly beganAt: number;
  /** When the caller was told that all nodes would follow; null where he was not. */
  acknowledgedAt: number | null;
  /** Until when the subject may not log in; `beganAt` where nothing was blocked. */
  readonly blockedUntil: number;
}

/** All nodes follow an acknowledged end within this, where nothing is wrong. Milliseconds; product C4 */
const followedAfter = 1000;

/**
 * The same where messages are lost, after the last moment of anything worse: a second of silence, the second for which
 * a session needs no second look, and the look. Milliseconds; rules R1
 */
const noticedAfter = 3500;

/** Until a request of the past cannot have begun a session, whatever the clocks of nodes and store say. Milliseconds. */
const clockDoubt = 1000;

/** What was ended when, and from when on nobody may serve it. */
export class EndsTruth {
  readonly all: TrueEnd[] = [];
  readonly #conditions: Conditions;
  readonly #storeGrace: number;

  constructor(conditions: Conditions, storeGrace: number) {
    this.#conditions = conditions;
    this.#storeGrace = storeGrace;
  }

  /** Ends that concern what a browser does. */
  of({ user, sessionId }: Pick<Browser, "user" | "sessionId">): readonly TrueEnd[] {
    return this.all.filter(
      (end) => end.subject === user.subject && (end.kind === "revoke" || end.sessionId === sessionId),
    );
  }

  /** Whether a session that the host's word of `openedAt` began is over by this end. */
  isOver(end: TrueEnd, openedAt: number): boolean {
    if (end.kind === "logout" && end.sessionId !== undefined) return true;
    return openedAt < end.beganAt + clockDoubt;
  }

  /** From when on a process may not serve what was ended; Infinity where nothing can be promised. */
  deadline(end: TrueEnd, process: SimulatedProcess): number {
    const { lostAt } = this.#conditions;
    const { acknowledgedAt, by, beganAt } = end;
    if (process === by) return beganAt;
    if (acknowledgedAt === null) return Number.POSITIVE_INFINITY;
    // Only nodes that heard of it can tell a store that lost it.
    if (lostAt >= beganAt && by.isDead) return Number.POSITIVE_INFINITY;
    const known = lostAt >= beganAt ? Math.max(acknowledgedAt, lostAt) + noticedAfter : acknowledgedAt;
    const [store, bus, pause] = (["store", "bus", "pause"] as const).map((trouble) =>
      this.#conditions.overAt(trouble, process),
    ) as [number, number, number];
    const ofAuthor = Math.max(
      this.#conditions.overAt("store", by),
      this.#conditions.overAt("bus", by),
      this.#conditions.overAt("pause", by),
    );
    const around = beganAt - followedAfter;
    let at = known + followedAfter;
    if (bus >= around || ofAuthor >= around || by.isDead) at = Math.max(at, known + noticedAfter);
    if (pause >= around) at = Math.max(at, pause + noticedAfter);
    if (store >= around) at = Math.max(at, store + noticedAfter);
    const outSince = this.#conditions.since("store", process);
    if (outSince !== null) at = Math.max(known, outSince) + noticedAfter + this.#storeGrace + followedAfter;
    return at;
  }
}
