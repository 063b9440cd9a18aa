import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { expectSocket, expectTenantError } from "../support/assertions.ts";
import { createIssuer, openSocket, signIn, type SignedIn } from "../support/tenant-client.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const issuer = createIssuer();
let tenant: TenantEmulator;
let ada: SignedIn;

beforeEach(async () => {
  tenant = await createTenantEmulator({ plainHttp: true, identityProviders: [issuer] });
  ada = await signIn(tenant, issuer);
});

afterEach(async () => {
  await tenant.close();
});

const status = async (user: SignedIn): Promise<number> =>
  (await user.ask({ path: "/api/v1/users/me" })).status;

describe("limits (facts §2.3)", () => {
  test("ends a session after 30 minutes without a request", async () => {
    tenant.clock.advance(30 * MINUTE - 1000);
    expect(await status(ada)).toBe(200);
    tenant.clock.advance(30 * MINUTE - 1000);
    expect(await status(ada)).toBe(200);
    tenant.clock.advance(30 * MINUTE);
    expectTenantError(await ada.ask({ path: "/api/v1/users/me" }), 401, "HTTP-401");
  });

  test("ends a session 24 hours after its login, however busy it is", async () => {
    for (let hour = 0; hour < 71; hour++) {
      tenant.clock.advance(20 * MINUTE);
      expect(await status(ada)).toBe(200);
    }
    tenant.clock.advance(20 * MINUTE);
    expect(await status(ada)).toBe(401);
  });

  test("counts a request that is refused for its CSRF token as a use", async () => {
    tenant.clock.advance(29 * MINUTE);
    expect((await ada.ask({ method: "POST", path: "/api/v1/licenses/allotments" })).status).toBe(403);
    tenant.clock.advance(29 * MINUTE);
    expect(await status(ada)).toBe(200);
  });

  test("changes its limits by the administration, for later sessions only", async () => {
    const change = await ada.write({
      method: "PATCH",
      path: "/api/core/auth-settings",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([
        { op: "replace", path: "/userSessionInactivityTimeoutMinutes", value: 15 },
        { op: "replace", path: "/maxUserSessionLifespanMinutes", value: 120 },
      ]),
    });
    expect(change.status).toBe(204);
    expect((await ada.ask({ path: "/api/core/auth-settings" })).json()).toEqual({
      userSessionInactivityTimeoutMinutes: 15,
      maxUserSessionLifespanMinutes: 120,
    });
    const later = await signIn(tenant, issuer, { sub: "later@example.test" });
    tenant.clock.advance(16 * MINUTE);
    expect(await status(later)).toBe(401);
    expect(await status(ada)).toBe(200);
  });

  test.each([
    [{ op: "replace", path: "/userSessionInactivityTimeoutMinutes", value: 14 }],
    [{ op: "replace", path: "/maxUserSessionLifespanMinutes", value: 90 }],
    [{ op: "replace", path: "/maxUserSessionLifespanMinutes", value: 169 * 60 }],
    [{ op: "add", path: "/maxUserSessionLifespanMinutes", value: 120 }],
    [{ op: "replace", path: "/other", value: 120 }],
  ])("refuses the setting %j", async (step) => {
    const body = JSON.stringify([step]);
    expect((await ada.write({ method: "PATCH", path: "/api/core/auth-settings", body })).status).toBe(400);
  });

  test("frames that a client sends keep the session awake, unless told otherwise", async () => {
    const path = `/app/engineData?qlik-csrf-token=${await ada.csrfToken()}`;
    const socket = expectSocket(await openSocket(tenant, path, { cookie: ada.cookie }));
    const call = async (id: number): Promise<void> => {
      socket.socket.send(
        JSON.stringify({ jsonrpc: "2.0", id, handle: -1, method: "EngineVersion", params: [] }),
      );
      await socket.message(id);
    };
    tenant.clock.advance(29 * MINUTE);
    await call(1);
    tenant.clock.advance(29 * MINUTE);
    expect(await status(ada)).toBe(200);
    tenant.modes.socketFramesCountAsActivity = false;
    tenant.clock.advance(29 * MINUTE);
    await call(2);
    tenant.clock.advance(29 * MINUTE);
    expect(await status(ada)).toBe(401);
    socket.socket.terminate();
  });

  test("gives every login a session of its own", async () => {
    const again = await signIn(tenant, issuer);
    expect(again.cookie).not.toBe(ada.cookie);
    expect(tenant.sessions.list()).toHaveLength(2);
    await again.ask({ path: "/logout" });
    expect(await status(ada)).toBe(200);
    expect(await status(again)).toBe(401);
  });
});

describe("end of a session (facts §2.4)", () => {
  test("GET /logout deletes the cookies, ends the session and leads to a page", async () => {
    const answer = await ada.ask({ path: "/logout" });
    expect(answer.status).toBe(302);
    expect(answer.headers.location).toBe(`${tenant.origin}/`);
    for (const name of ["eas.sid", "eas.sid.sig", "_csrfToken", "_csrfToken.sig"])
      expect(answer.setCookies.find((line) => line.startsWith(`${name}=;`))).toContain(
        "Expires=Thu, 01 Jan 1970",
      );
    expect(await status(ada)).toBe(401);
  });

  test("GET /logout without a session answers the same", async () => {
    await ada.ask({ path: "/logout" });
    expect((await ada.ask({ path: "/logout" })).status).toBe(302);
  });

  test.each(["expire", "kill"] as const)("%s ends the sessions of one subject only", async (verb) => {
    const other = await signIn(tenant, issuer, { sub: "other@example.test" });
    expect(tenant.sessions[verb]("ada@example.test")).toBe(1);
    expect(await status(ada)).toBe(401);
    expect(await status(other)).toBe(200);
    expect(tenant.sessions[verb]()).toBe(1);
    expect(await status(other)).toBe(401);
  });

  test("lists who has a session, with its times", async () => {
    tenant.clock.advance(HOUR / 4);
    await status(ada);
    const [session] = tenant.sessions.list();
    expect(session).toMatchObject({ subject: "ada@example.test" });
    expect((session?.lastUsedAt ?? 0) - (session?.createdAt ?? 0)).toBeGreaterThanOrEqual(HOUR / 4);
  });
});
