import { errorTable, SessionProxyError, type ErrorCode } from "../errors.ts";

/** A failed login that is remembered, so that it is not tried again before its time; plain data for a document. */
export interface Hold {
  /** Code of the error table. */
  readonly code: string;
  /** What the log was told. */
  readonly reason?: string;
  /** Milliseconds since the Unix epoch, by the clock of whoever keeps the document. */
  readonly until: number;
  /** Refusals in a row, outages not counted; 0 or more. */
  readonly times: number;
}

/** The part of an error that is remembered. */
export type Failure = Pick<SessionProxyError, "code" | "retryAfter" | "reason">;

/** First wait after a refusal, doubled each time up to the longest. Milliseconds. */
const firstWait = 1000;
const longestWait = 60_000;

/** Wait after a tenant that cannot be reached; it does not grow, so that recovery is noticed at once. Milliseconds. */
const outageWait = 500;

/** The longest that a throttled tenant is believed to need. Milliseconds. */
const longestThrottle = 3_600_000;

/** So much may clocks differ, of nodes or of a store before and after a failover. Milliseconds. */
const clockSlack = 10_000;

/**
 * How long a failure is remembered, and how often it has happened now.
 *
 * A refusal waits 1 second, doubled with each one in a row up to 60; a throttled tenant as long as it asked for; an outage
 * half a second, and it leaves the count as it is.
 */
export function nextHold(before: Pick<Hold, "times"> | null, failure: Failure, now: number): Hold {
  const { code, reason, retryAfter = 0 } = failure;
  const outage = isOutage(code);
  const times = (before?.times ?? 0) + (outage ? 0 : 1);
  const wait = Math.max(waitAfter(code, times), retryAfter * 1000);
  return {
    code,
    until: now + Math.min(wait, longestFor(code)),
    times,
    ...(reason === undefined ? {} : { reason }),
  };
}

/** The remembered failure, with the time that is left; null where the next login may be tried. */
export function heldBack(hold: Hold | null, now: number): SessionProxyError | null {
  const wait = timeLeft(hold, now);
  return hold && wait > 0 ? remembered(hold, wait) : null;
}

/**
 * Milliseconds until a hold is over, 0 where it is. A hold that would last longer than any can is from a clock that was
 * set back since, and over.
 */
export function timeLeft(hold: Hold | null, now: number): number {
  if (!hold) return 0;
  const wait = hold.until - now;
  return wait > longestFor(hold.code) + clockSlack ? 0 : Math.max(0, wait);
}

/** The remembered failure as an error, to be tried again in `wait` milliseconds. */
export function remembered({ code, reason }: Pick<Hold, "code" | "reason">, wait: number): SessionProxyError {
  return new SessionProxyError(isKnown(code) ? code : "QSP-BUSY", {
    retryAfter: Math.max(1, Math.ceil(wait / 1000)),
    ...(reason === undefined ? {} : { reason }),
  });
}

/** Whether a failure says nothing of the user or the key: the tenant could not be reached, or broke down. */
export function isOutage(code: string): boolean {
  return code === "QSP-UPSTREAM" || code === "QSP-TIMEOUT";
}

function waitAfter(code: string, times: number): number {
  if (isOutage(code)) return outageWait;
  if (code === "QSP-TENANT-THROTTLED") return firstWait;
  return Math.min(firstWait * 2 ** (times - 1), longestWait);
}

const longestFor = (code: string): number =>
  code === "QSP-TENANT-THROTTLED" ? longestThrottle : longestWait;

/** A document may be from a later version, with a code of its own. */
const isKnown = (code: string): code is ErrorCode => Object.hasOwn(errorTable, code);
