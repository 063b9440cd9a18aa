import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { expectSocket } from "../support/assertions.ts";
import { createIssuer, openSocket, signIn, type SignedIn } from "../support/tenant-client.ts";

const issuer = createIssuer();
let tenant: TenantEmulator;
let ada: SignedIn;

beforeAll(async () => {
  tenant = await createTenantEmulator({ control: { port: 0 } });
});

afterAll(async () => {
  await tenant.close();
});

interface ControlAnswer {
  readonly status: number;
  readonly value: unknown;
}

async function control(method: string, path: string, body?: unknown, headers = {}): Promise<ControlAnswer> {
  const response = await fetch(`${tenant.controlUrl}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, value: text === "" ? undefined : (JSON.parse(text) as unknown) };
}

const me = { path: "/api/v1/users/me" };

beforeEach(async () => {
  const { pem, keyId } = issuer;
  await control("POST", "/identity-providers", { issuer: issuer.issuer, keyId, pem });
  tenant.sessions.kill();
  ada = await signIn(tenant, issuer);
});

describe("control endpoint", () => {
  test("tells where the tenant is", async () => {
    const { value } = await control("GET", "/");
    expect(value).toMatchObject({ origin: tenant.origin, certificate: tenant.certificate });
  });

  test("shows and takes recordings", async () => {
    await control("POST", "/recordings/take", {});
    await ada.ask(me);
    await ada.ask({ path: "/api/v1/nothing" });
    const shown = await control("GET", "/recordings?status=404");
    expect(shown.value).toMatchObject([{ url: "/api/v1/nothing", subject: "ada@example.test", status: 404 }]);
    const taken = await control("POST", "/recordings/take", { path: "/api/v1/users/*" });
    expect(taken.value).toMatchObject([{ url: me.path, bodyBytes: 0, bodyStart: "" }]);
    expect((await control("GET", "/recordings")).value).toHaveLength(1);
  });

  test("queues behaviours, injects and clears faults", async () => {
    expect((await control("POST", "/behaviours", { path: me.path, status: 418 })).status).toBe(204);
    expect((await ada.ask(me)).status).toBe(418);
    await control("POST", "/faults", { path: me.path, kind: "status", status: 503 });
    expect((await ada.ask(me)).status).toBe(503);
    expect((await control("DELETE", "/faults")).status).toBe(204);
    expect((await ada.ask(me)).status).toBe(200);
  });

  test("lists, rotates, expires and kills sessions", async () => {
    expect((await control("GET", "/sessions")).value).toMatchObject([{ subject: "ada@example.test" }]);
    await control("POST", "/sessions/rotate", { subject: "ada@example.test" });
    expect((await ada.ask(me)).setCookies.join()).toContain("eas.sid=");
    expect((await control("POST", "/sessions/expire", { subject: "nobody" })).value).toEqual({ count: 0 });
    expect((await control("POST", "/sessions/expire", {})).value).toEqual({ count: 1 });
    expect((await ada.ask(me)).status).toBe(401);
    await signIn(tenant, issuer);
    expect((await control("POST", "/sessions/kill")).value).toEqual({ count: 1 });
  });

  test("lists, closes and destroys sockets", async () => {
    const open = async (): ReturnType<typeof openSocket> =>
      openSocket(tenant, `/app/engineData?qlik-csrf-token=${await ada.csrfToken()}`, { cookie: ada.cookie });
    const first = expectSocket(await open());
    expect((await control("GET", "/sockets")).value).toHaveLength(1);
    const order = { subject: "ada@example.test", code: 4203, reason: "{}" };
    expect((await control("POST", "/sockets/close", order)).value).toEqual({ count: 1 });
    expect(await first.closed).toEqual({ code: 4203, reason: "{}" });
    const second = expectSocket(await open());
    await control("POST", "/sockets/destroy", {});
    expect((await second.closed).code).toBe(1006);
    await control("POST", "/sessions/kill");
  });

  test("changes modes, users, web integrations and the clock", async () => {
    expect((await control("PATCH", "/modes", { bootEndpoint: false })).value).toMatchObject({
      bootEndpoint: false,
    });
    expect((await ada.ask({ path: "/api/v1/boot/core-init" })).status).toBe(404);
    await control("POST", "/users/status", { subject: "ada@example.test", status: "disabled" });
    await expect(signIn(tenant, issuer)).rejects.toThrow("AUTH-5");
    await control("POST", "/users/status", { subject: "ada@example.test", status: "active" });
    await control("POST", "/web-integrations", { id: "one", validOrigins: ["https://portal.example.test"] });
    const headers = { origin: "https://portal.example.test", "qlik-web-integration-id": "one" };
    expect((await ada.ask({ ...me, headers })).status).toBe(200);
    const before = tenant.clock.now();
    await control("POST", "/clock/advance", { ms: 3_600_000 });
    expect(tenant.clock.now() - before).toBeGreaterThanOrEqual(3_600_000);
    expect((await ada.ask(me)).status).toBe(401);
  });

  test.each([
    ["POST", "/faults", { kind: "flood" }],
    ["POST", "/faults", { kind: "delay" }],
    ["POST", "/behaviours", {}],
    ["PATCH", "/modes", { noSuchMode: true }],
    ["POST", "/clock/advance", { ms: "1h" }],
    ["POST", "/sockets/close", { subject: "x" }],
    ["POST", "/users/status", { subject: "x", status: "asleep" }],
    ["POST", "/identity-providers", { issuer: "x" }],
    ["POST", "/web-integrations", { id: "x" }],
    ["POST", "/sessions/kill", [1]],
  ])("answers 400 to %s %s %j and names what is wrong", async (method, path, body) => {
    const { status, value } = await control(method, path, body);
    expect(status).toBe(400);
    expect(value).toMatchObject({ error: expect.stringContaining(":") as string });
  });

  test("answers 404 to unknown commands", async () => {
    expect((await control("GET", "/nothing")).status).toBe(404);
    expect((await control("GET", "/faults")).status).toBe(404);
  });

  test("refuses web pages, and bodies that are not declared JSON", async () => {
    const headers = { origin: "https://evil.example.test" };
    expect((await control("POST", "/sessions/kill", {}, headers)).status).toBe(403);
    expect((await control("POST", "/sessions/kill", {}, { "content-type": "text/plain" })).status).toBe(400);
    expect(tenant.sessions.list().length).toBeGreaterThan(0);
  });

  test("is not there unless asked for", async () => {
    await using other = await createTenantEmulator({ plainHttp: true });
    expect(other.controlUrl).toBeUndefined();
  });
});
