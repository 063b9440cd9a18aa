import { expect, test } from "vitest";
import { testBackend } from "../../test/support/test-backend.ts";
import { createCookieJar } from "../http/cookie-jar.ts";
import type { ProxySession } from "./proxy-session.ts";
import { nextDeadline, type SessionDurations } from "./session-deadlines.ts";
import { createTenantSession } from "./tenant-session.ts";

const minute = 60_000;
const durations: SessionDurations = {
  idleTimeout: 20 * minute,
  maxLifetime: 8 * 60 * minute,
  renewBefore: 2 * minute,
  revalidate: 10 * minute,
  tenantIdle: 30 * minute,
  tenantLifetime: 24 * 60 * minute,
};

const claims = { sub: "s", subType: "user", name: "s", email_verified: false } as const;

function sessionAt(now: number, changes: Partial<ProxySession> = {}): ProxySession {
  return {
    key: "k",
    subject: "s",
    subjectHash: "h",
    hasHostSession: false,
    birth: "b",
    createdAt: now,
    openedAt: now,
    epochs: { key: 0, subject: 0 },
    version: 1,
    checkedAt: now,
    blindSince: null,
    sureUntil: 0,
    doubts: 0,
    shared: { usedAt: now, vouchedAt: now, expiresAt: undefined },
    claims,
    claimsAt: now,
    expiresAt: undefined,
    lastUsedAt: now,
    vouchedAt: now,
    evidenceAt: now,
    claimsTriedAt: now,
    current: createTenantSession(
      {
        generation: 1,
        backend: testBackend,
        credential: {
          jar: createCookieJar({ host: "t", secure: true }),
          accessToken: null,
          csrfToken: null,
          endsAt: null,
        },
        claims,
      },
      now,
    ),
    older: new Set(),
    renewedAt: [],
    renewalTriedAt: 0,
    exchanges: 0,
    socketEpoch: 0,
    ended: null,
    onEnd: new Set(),
    ...changes,
  };
}

const start = 1_000_000_000_000;
const next = (session: ProxySession, sockets = false) => nextDeadline(session, durations, { sockets });

test("an unused session ends after its idle time", () => {
  expect(next(sessionAt(start))).toEqual({ what: "idle", at: start + 20 * minute, ends: true });
});

test("use of the session puts off its idle end but not its longest life", () => {
  const used = sessionAt(start, { lastUsedAt: start + 8 * 60 * minute - minute });
  used.current.lastSentAt = used.lastUsedAt;
  expect(next(used)).toEqual({ what: "lifetime", at: start + 8 * 60 * minute, ends: true });
});

test("a session is not idle while a request is on its way", () => {
  const used = sessionAt(start, { exchanges: 1 });
  expect(next(used)).toEqual({ what: "keep-alive", at: start + 21 * minute, ends: false });
});

test("the host's word ends the session before anything else", () => {
  expect(next(sessionAt(start, { expiresAt: start + minute }))).toEqual({
    what: "expired",
    at: start + minute,
    ends: true,
  });
});

test("only a session with sockets has to be vouched for again", () => {
  expect(next(sessionAt(start), true)).toEqual({
    what: "revalidate",
    at: start + 10 * minute,
    ends: false,
  });
});

test("a session that is used through its sockets alone is kept alive at the tenant at 0.7 of its idle limit", () => {
  const used = sessionAt(start, { lastUsedAt: start + 20 * minute });
  expect(next(used)).toEqual({ what: "keep-alive", at: start + 21 * minute, ends: false });
});

test("one that the tenant gives for less than the time before its end is renewed after three quarters of it", () => {
  const used = sessionAt(start, { lastUsedAt: start + 5 * minute });
  const renewedAt = (life: number): number => {
    const { current } = used;
    used.current = { ...current, endsAt: start + life };
    return next(used).at - start;
  };
  expect(renewedAt(minute)).toBe(45_000);
  expect(renewedAt(2 * minute)).toBe(90_000);
  // Long enough for what the operator wants.
  expect(renewedAt(12 * minute)).toBe(10 * minute);
});

test("a tenant session is renewed before it ends, and a failed renewal is tried again after a pause", () => {
  const later = start + (24 * 60 - 3) * minute;
  const used = sessionAt(start, { createdAt: later, lastUsedAt: later });
  used.current.lastSentAt = later;
  expect(next(used)).toMatchObject({ what: "renew", at: start + (24 * 60 - 2) * minute });
  used.renewalTriedAt = start + (24 * 60 - 2) * minute;
  expect(next(used)).toMatchObject({ what: "renew", at: start + (24 * 60 - 2) * minute + 30_000 });
});
