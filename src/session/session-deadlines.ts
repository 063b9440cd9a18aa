import type { ProxySession } from "./proxy-session.ts";

/** The clocks of a session, in milliseconds. rules R3 */
export interface SessionDurations {
  readonly idleTimeout: number;
  readonly maxLifetime: number;
  readonly renewBefore: number;
  readonly revalidate: number;
  /** The tenant's own idle limit; Infinity where it has none. facts §2.3, §9 */
  readonly tenantIdle: number;
  /** The tenant's own absolute limit. facts §2.3 */
  readonly tenantLifetime: number;
}

/** What is due next for a session, and when. */
export interface Deadline {
  readonly at: number;
  readonly what: "idle" | "expired" | "lifetime" | "revalidate" | "keep-alive" | "renew";
  /** Whether the session ends then. */
  readonly ends: boolean;
}

/** The part of the tenant's idle limit after which a session in use is kept alive. rules R3 */
const keepAlivePart = 0.7;

/** The part of its life after which a tenant session is renewed at the earliest, where it ends sooner than is usual. */
const renewalPart = 0.75;

/** A background renewal that failed is tried again after this. Milliseconds. */
const renewalPause = 30_000;

/** Decides what happens next to a session that is not used in the meantime. */
export function nextDeadline(
  session: ProxySession,
  durations: SessionDurations,
  has: { readonly sockets: boolean },
): Deadline {
  const { current } = session;
  // What the tenant says of this one counts, where that is sooner than what it is known for.
  const usualEnd = current.createdAt + durations.tenantLifetime;
  const tenantEnd = Math.min(usualEnd, current.endsAt ?? Infinity);
  const renewal = Math.max(
    tenantEnd - durations.renewBefore,
    // One that is shorter than the time before its end would be renewed as soon as it is there, again and again.
    tenantEnd < usualEnd ? current.createdAt + (tenantEnd - current.createdAt) * renewalPart : 0,
  );
  const deadlines: Deadline[] = [
    { what: "lifetime", at: session.createdAt + durations.maxLifetime, ends: true },
    { what: "keep-alive", at: current.lastSentAt + durations.tenantIdle * keepAlivePart, ends: false },
    { what: "renew", at: Math.max(renewal, session.renewalTriedAt + renewalPause), ends: false },
  ];
  if (session.exchanges === 0) {
    deadlines.push({ what: "idle", at: session.lastUsedAt + durations.idleTimeout, ends: true });
  }
  if (session.expiresAt !== undefined) {
    deadlines.push({ what: "expired", at: session.expiresAt, ends: true });
  }
  if (has.sockets) {
    deadlines.push({ what: "revalidate", at: session.vouchedAt + durations.revalidate, ends: false });
  }
  return deadlines.reduce((first, each) => (each.at < first.at ? each : first));
}
