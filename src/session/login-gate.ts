import { SessionProxyError } from "../errors.ts";
import type { Clock } from "../kernel/clock.ts";

/** Keeps logins within the tenant's limit and holds back those that would fail again. */
export interface LoginGate {
  /** @throws SessionProxyError the remembered failure, or `QSP-BUSY` over the limit. */
  enter(subject: string): void;
  succeeded(subject: string): void;
  failed(subject: string, error: SessionProxyError): void;
  /** Whether no login of anybody would be tried now. */
  readonly closed: boolean;
}

interface Hold {
  readonly error: SessionProxyError;
  readonly until: number;
  readonly times: number;
}

/** First wait after a refusal, doubled each time up to the longest. Milliseconds. */
const firstWait = 1000;
const longestWait = 60_000;

/** Wait after a tenant that cannot be reached; it does not grow, so that recovery is noticed at once. Milliseconds. */
const outageWait = 500;

/** So many users refused one after the other, and the fault is the key's, not the users'. */
const refusedUsers = 3;

/** Subjects whose refusal is remembered; the oldest give way. */
const remembered = 10_000;

/**
 * Creates the gate. `perMinute` logins may be begun in any minute; the tenant counts them in its tier 2 (facts §2.1, §7).
 *
 * A refused user waits alone. A throttled tenant, or a token refused for several users in a row, closes the gate for
 * all, because the next login would meet the same answer.
 */
export function createLoginGate(clock: Clock, perMinute: number): LoginGate {
  const holds = new Map<string, Hold>();
  const refused = new Set<string>();
  let common: Hold | null = null;
  let tokens = perMinute;
  let filledAt = clock.now();

  const heldBack = (hold: Hold | null | undefined): SessionProxyError | null => {
    const wait = hold ? hold.until - clock.now() : 0;
    if (!hold || wait <= 0) return null;
    return new SessionProxyError(hold.error.code, {
      retryAfter: Math.ceil(wait / 1000),
      ...(hold.error.reason === undefined ? {} : { reason: hold.error.reason }),
    });
  };

  const next = (before: Hold | null | undefined, error: SessionProxyError): Hold => {
    const times = (before?.times ?? 0) + 1;
    const wait = isOutage(error) ? outageWait : Math.min(firstWait * 2 ** (times - 1), longestWait);
    return { error, times, until: clock.now() + Math.max(wait, (error.retryAfter ?? 0) * 1000) };
  };

  const takeToken = (): void => {
    const now = clock.now();
    tokens = Math.min(perMinute, tokens + (Math.max(0, now - filledAt) * perMinute) / 60_000);
    filledAt = now;
    if (tokens < 1) {
      throw new SessionProxyError("QSP-BUSY", {
        retryAfter: Math.max(1, Math.ceil(((1 - tokens) * 60) / perMinute)),
        reason: "limits.loginsPerMinute is reached",
      });
    }
    tokens -= 1;
  };

  return {
    enter(subject) {
      const error = heldBack(common) ?? heldBack(holds.get(subject));
      if (error) throw error;
      takeToken();
    },
    succeeded(subject) {
      common = null;
      refused.clear();
      holds.delete(subject);
    },
    failed(subject, error) {
      if (error.code === "QSP-TENANT-REFUSED") refused.add(subject);
      if (error.code === "QSP-TENANT-THROTTLED" || refused.size >= refusedUsers) common = next(common, error);
      holds.set(subject, next(holds.get(subject), error));
      if (holds.size > remembered) holds.delete(holds.keys().next().value ?? subject);
      if (refused.size > refusedUsers) refused.delete(refused.values().next().value ?? subject);
    },
    get closed() {
      return heldBack(common) !== null;
    },
  };
}

const isOutage = (error: SessionProxyError): boolean =>
  error.code === "QSP-UPSTREAM" || error.code === "QSP-TIMEOUT";
