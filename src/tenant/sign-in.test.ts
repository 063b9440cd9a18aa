import { describe, expect, test } from "vitest";
import { createManualClock } from "../../test/support/manual-clock.ts";
import { SessionProxyError } from "../errors.ts";
import { createCloudJwt } from "./cloud-jwt/backend.ts";
import type { TenantAnswer, TenantRequest } from "./port.ts";
import { signIn } from "./sign-in.ts";

const cookie: TenantAnswer = {
  status: 200,
  headers: ["set-cookie", "eas.sid=1; Path=/"],
  body: Buffer.alloc(0),
};

/** A login of ten seconds, and the attempts that it makes; each takes so long and ends so. */
async function attemptsOf(
  ...course: readonly { readonly signing?: number; readonly ms: number; readonly fails: boolean }[]
) {
  const clock = createManualClock();
  const timeouts: number[] = [];
  const origin = "https://acme.eu.qlikcloud.com";
  const signingKey = {
    issuer: "portal",
    keyId: "1",
    alg: "RS256",
    sign() {
      clock.advance(course[timeouts.length]?.signing ?? 0);
      return new Uint8Array(8);
    },
  } as const;
  const outcome = await signIn({
    clock,
    timeout: 10_000,
    place: { host: "acme.eu.qlikcloud.com", secure: true },
    claims: { sub: "ann", subType: "user", name: "Ann", email: "ann@example.test", email_verified: true },
    backend: createCloudJwt({ origin, signingKey }),
    call({ timeout }: TenantRequest) {
      const { ms = 0, fails = false } = course[timeouts.length] ?? {};
      timeouts.push(timeout);
      clock.advance(ms);
      return fails ? Promise.reject(new SessionProxyError("QSP-UPSTREAM")) : Promise.resolve(cookie);
    },
  }).then(
    () => "ok",
    (error: SessionProxyError) => error.code,
  );
  return { outcome, timeouts };
}

describe("signIn", () => {
  test("has one limit on time for all its attempts", async () => {
    expect(await attemptsOf({ ms: 4000, fails: true }, { ms: 100, fails: false })).toEqual({
      outcome: "ok",
      timeouts: [10_000, 6000],
    });
  });

  test("counts the time that the signer takes", async () => {
    const first = { signing: 2000, ms: 1000, fails: true };
    expect(await attemptsOf(first, { signing: 3000, ms: 100, fails: false })).toEqual({
      outcome: "ok",
      timeouts: [8000, 4000],
    });
  });

  test("does not begin another attempt when the time is up", async () => {
    expect(await attemptsOf({ ms: 10_000, fails: true }, { ms: 0, fails: false })).toEqual({
      outcome: "QSP-UPSTREAM",
      timeouts: [10_000],
    });
  });

  test("has not more time for a clock that was set back", async () => {
    expect((await attemptsOf({ ms: -3_600_000, fails: true }, { ms: 0, fails: false })).timeouts).toEqual([
      10_000, 10_000,
    ]);
  });
});
