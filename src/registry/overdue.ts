import type { EndedSession } from "./ends.ts";
import { ended, withUse, type Use } from "./transitions.ts";
import { withKey, type KeyRecord, type Live, type SubjectRecord } from "./subject-record.ts";

/** How long a session may live, in milliseconds. rules R3 */
export interface SessionLimits {
  readonly idleTimeout: number;
  readonly maxLifetime: number;
}

/** Use is shared so often in the course of the idle time; what is shared may be older by as much. rules R3 */
export const useSharedPart: number = 1 / 8;

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
  return { record: next, ended: gone };
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
