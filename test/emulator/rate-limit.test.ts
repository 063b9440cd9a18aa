import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import {
  createIssuer,
  loginClaims,
  logInWith,
  signIn,
  signToken,
  type SignedIn,
  type TenantAnswer,
} from "../support/tenant-client.ts";

const issuer = createIssuer();
let tenant: TenantEmulator;
let ada: SignedIn;

beforeEach(async () => {
  tenant = await createTenantEmulator({ plainHttp: true, identityProviders: [issuer] });
  ada = await signIn(tenant, issuer);
  // 5 requests of tier 1 in the window of 5 minutes, and a half of tier 2.
  tenant.modes.rateLimit = 0.001;
});

afterEach(async () => {
  await tenant.close();
});

const read = (user: SignedIn): Promise<TenantAnswer> => user.ask({ path: "/api/v1/users/me" });

describe("rate limits (facts §7)", () => {
  test("answer 429 with the documented body and whole seconds in retry-after, and no X-RateLimit header", async () => {
    for (let round = 0; round < 5; round++) expect((await read(ada)).status).toBe(200);
    const answer = await read(ada);
    expect(answer.status).toBe(429);
    const wait = Number(answer.headers["retry-after"]);
    expect(Number.isInteger(wait)).toBe(true);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(300);
    expect(answer.json()).toEqual({
      errors: [
        {
          code: "HTTP-429",
          title: "API rate limit reached.",
          detail: `You need to wait ${wait} seconds until limit is lifted.`,
        },
      ],
    });
    expect(Object.keys(answer.headers).join()).not.toMatch(/ratelimit/i);
  });

  test("count by user, and are lifted after the wait", async () => {
    tenant.modes.rateLimit = "off";
    const bo = await signIn(tenant, issuer, { sub: "bo@example.test" });
    tenant.modes.rateLimit = 0.001;
    for (let round = 0; round < 6; round++) await read(ada);
    const refused = await read(ada);
    expect(refused.status).toBe(429);
    expect((await read(bo)).status).toBe(200);
    tenant.clock.advance(Number(refused.headers["retry-after"]) * 1000);
    expect((await read(ada)).status).toBe(200);
  });

  test("block one tier only", async () => {
    expect((await ada.ask({ method: "POST", path: "/api/v1/licenses/allotments" })).status).toBe(429);
    expect((await read(ada)).status).toBe(200);
  });

  test("hold for logins too", async () => {
    const answer = await logInWith(tenant, signToken(issuer, loginClaims(issuer, tenant.clock.now())));
    expect(answer.status).toBe(429);
    expect(answer.headers["retry-after"]).toMatch(/^\d+$/);
  });

  test("have special values for some paths", async () => {
    tenant.modes.rateLimit = 0.02;
    // 10 a minute x 5 minutes x 0.02 = 1; the tier has 10.
    const report = (): Promise<TenantAnswer> =>
      ada.write({ method: "POST", path: "/api/v1/reports", body: JSON.stringify({ type: "x" }) });
    expect((await report()).status).toBe(202);
    expect((await report()).status).toBe(429);
    expect((await ada.write({ method: "POST", path: "/api/v1/licenses/allotments" })).status).toBe(200);
  });

  test("are off unless asked for", async () => {
    tenant.modes.rateLimit = "off";
    for (let round = 0; round < 20; round++) expect((await read(ada)).status).toBe(200);
  });
});
