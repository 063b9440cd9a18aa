import { mostEndedKeys, type EndedSession } from "./ends.ts";
import { ended, withUse, type Use } from "./transitions.ts";
import { keyOf, withKey, type KeyRecord, type Live, type SubjectRecord } from "./subject-record.ts";

/** How long a session may live, in milliseconds. rules R3 */
export interface SessionLimits {
  readonly idleTimeout: number;
  readonly maxLifetime: number;
}

/** Use is shared so often in the course of the idle time; what is shared may be older by as much. rules R3 */
export const useSharedPart: number = 1 / 8;

/** Living sessions of one subject: host sessions of one person, in so many browsers. */
const mostSessions = 64;

/**
 * Takes out what is over: sessions whose node went away before it could end them, and keys that nothing can contradict
 * any more. `keepFor` (milliseconds) is longer than anything that could write after an end.
 */
export function withoutOverdue(
  record: SubjectRecord,
  now: number,
  {
    limits,
    keepFor,
    useOf,
  }: {
    readonly limits: SessionLimits;
    readonly keepFor: number;
    /** What this node knows of the use of a session, by the store's clock; after an outage that may be more. */
    readonly useOf: (key: string, birth: string) => Use | null;
  },
): { readonly record: SubjectRecord; readonly ended: readonly EndedSession[] } {
  const gone: EndedSession[] = [];
  let next = record;
  for (const [key, known] of Object.entries(record.keys)) {
    const use = known.live && useOf(key, known.live.birth);
    const reason = known.live && overdue(use ? withUse(known.live, use) : known.live, now, limits);
    if (known.live && reason) {
      gone.push({ key, reason, live: known.live });
      next = withKey(next, key, now, ended(known, reason, now));
    } else if (isForgettable(known, now, keepFor)) {
      const { [key]: _, ...keys } = next.keys;
      next = { ...next, keys };
    }
  }
  return { record: withinBounds(next, now, gone), ended: gone };
}

/** The longest unused sessions and the oldest ends of a subject give way. */
function withinBounds(record: SubjectRecord, now: number, gone: EndedSession[]): SubjectRecord {
  const all = Object.entries(record.keys);
  if (all.length <= mostSessions) return record;
  let next = record;
  const sessions = all.flatMap(([key, { live }]) => (live ? [{ key, live }] : []));
  sessions.sort((one, other) => other.live.usedAt - one.live.usedAt);
  for (const { key, live } of sessions.slice(mostSessions)) {
    gone.push({ key, reason: "idle", live });
    next = withKey(next, key, now, ended(keyOf(next, key), "idle", now));
  }
  const idle = Object.entries(next.keys).filter(([, { live, lease }]) => live === null && lease === null);
  idle.sort(([, one], [, other]) => other.changedAt - one.changedAt);
  const leaving = new Set(idle.slice(mostEndedKeys).map(([key]) => key));
  if (leaving.size === 0) return next;
  return {
    ...next,
    keys: Object.fromEntries(Object.entries(next.keys).filter(([key]) => !leaving.has(key))),
  };
}

function overdue(live: Live, now: number, { idleTimeout, maxLifetime }: SessionLimits): string | null {
  if (live.expiresAt !== null && live.expiresAt <= now) return "expired";
  if (live.createdAt + maxLifetime <= now) return "lifetime";
  return live.usedAt + idleTimeout * (1 + useSharedPart) <= now ? "idle" : null;
}

const isForgettable = (known: KeyRecord, now: number, keepFor: number): boolean =>
  known.live === null &&
  (known.lease === null || known.lease.until <= now) &&
  known.changedAt + keepFor <= now;
