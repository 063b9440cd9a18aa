import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTenantEmulator, type TenantEmulator } from "../../src/emulator.ts";
import { eventually, expectRefused, expectSocket, expectTenantError } from "../support/assertions.ts";
import {
  createIssuer,
  openSocket,
  signIn,
  type SignedIn,
  type TenantSocket,
} from "../support/tenant-client.ts";

const issuer = createIssuer();
let tenant: TenantEmulator;
let ada: SignedIn;

beforeEach(async () => {
  tenant = await createTenantEmulator({ identityProviders: [issuer] });
  ada = await signIn(tenant, issuer);
});

afterEach(async () => {
  await tenant.close();
});

async function open(path: string, user: SignedIn = ada): ReturnType<typeof openSocket> {
  const separator = path.includes("?") ? "" : "?";
  const url = `${path}${separator}qlik-csrf-token=${await user.csrfToken()}`;
  return openSocket(tenant, url, { cookie: user.cookie });
}

async function openEngine(user: SignedIn = ada): Promise<TenantSocket> {
  return expectSocket(await open("/app/SessionApp_one", user));
}

describe("engine sockets (facts §5, §13)", () => {
  test("get OnConnected before they say anything", async () => {
    const socket = await openEngine();
    expect(JSON.parse(await socket.message(0))).toMatchObject({
      method: "OnConnected",
      params: { qSessionState: "SESSION_CREATED" },
    });
    expect(tenant.sockets.list()).toMatchObject([{ subject: "ada@example.test" }]);
  });

  test("get the 101 and OnConnected in one segment", async () => {
    await using plain = await createTenantEmulator({ plainHttp: true, identityProviders: [issuer] });
    const user = await signIn(plain, issuer);
    const token = await user.csrfToken();
    const socket = connect(plain.port, "127.0.0.1");
    socket.write(
      `GET /app/SessionApp_one?qlik-csrf-token=${token} HTTP/1.1\r\nHost: ${plain.hostname}\r\n` +
        `Cookie: ${user.cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    const [first] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    const text = first.toString("latin1");
    expect(text).toMatch(/^HTTP\/1\.1 101 /);
    expect(text.match(/^Set-Cookie: AWSALB/gm)).toHaveLength(2);
    expect(text.slice(text.indexOf("\r\n\r\n"))).toContain('"method":"OnConnected"');
  });

  test("take the forms of facts §5.1", async () => {
    for (const path of [
      "/app/SessionApp_2/identity/one",
      "/app/SessionApp_2/identity/one/ttl/30",
      "/app/SessionApp_2/ttl/30",
      "/app/SessionApp_2?reloadUri=wss%3A%2F%2Fx%2Fsense%2Fapp%2F2&",
      "/app/engineData",
      "/app/SessionApp_1",
    ]) {
      const socket = expectSocket(await open(path));
      expect(await socket.message(0)).toContain("OnConnected");
    }
  });

  test.each(["/app", "/app/", "/app/x/other", "/app/x/identity", "/app/x/ttl/many", "/api/v1/items", "/"])(
    "are not at %s: 404 before 101",
    async (path) => {
      expectTenantError(expectRefused(await open(path), 404), 404, "HTTP-404");
    },
  );

  test("of an app that is unknown are closed with 4204 after 101", async () => {
    const { closed } = expectSocket(await open("/app/no-such-app"));
    const { code, reason } = await closed;
    expect([code, JSON.parse(reason)]).toMatchObject([4204, { code: "QEP-104" }]);
  });

  test("without a session are refused with 401 before 101, or closed after it in mode B", async () => {
    expectTenantError(expectRefused(await openSocket(tenant, "/app/engineData"), 401), 401, "HTTP-401");
    tenant.modes.socketWithoutSession = "closeAfter101";
    const { closed, messages } = expectSocket(await openSocket(tenant, "/app/engineData"));
    expect((await closed).code).toBe(4203);
    expect(messages).toEqual([]);
  });

  test("are closed right after a first login as long as access control lags behind (facts §2.5)", async () => {
    tenant.modes.propagationLag = 5000;
    const fresh = await signIn(tenant, issuer, { sub: "fresh@example.test" });
    const { closed } = expectSocket(await open("/app/engineData", fresh));
    expect((await closed).code).toBe(4203);
    tenant.clock.advance(5000);
    expect(await expectSocket(await open("/app/engineData", fresh)).message(0)).toContain("OnConnected");
  });
});

describe("end of a session", () => {
  test("leaves its sockets open", async () => {
    const socket = await openEngine();
    tenant.sessions.kill();
    socket.socket.send(
      JSON.stringify({ jsonrpc: "2.0", id: 1, handle: -1, method: "EngineVersion", params: [] }),
    );
    expect(await socket.message(1)).toContain('"id":1');
  });

  test.each(["kill", "expire", "logout", "idle"] as const)(
    "closes them with 4203 in mode B: %s",
    async (how) => {
      tenant.modes.endSocketsWithSession = true;
      const other = await signIn(tenant, issuer, { sub: "other@example.test" });
      const socket = await openEngine();
      const spared = await openEngine(other);
      if (how === "logout") await ada.ask({ path: "/logout" });
      else if (how === "idle") {
        tenant.clock.advance(20 * 60_000);
        await other.ask({ path: "/api/v1/users/me" });
        tenant.clock.advance(10 * 60_000);
      } else tenant.sessions[how]("ada@example.test");
      expect((await socket.closed).code).toBe(4203);
      expect(spared.socket.readyState).toBe(spared.socket.OPEN);
    },
  );
});

describe("sockets", () => {
  test("are closed with any code and reason, by subject", async () => {
    const other = await signIn(tenant, issuer, { sub: "other@example.test" });
    const [mine, theirs] = [await openEngine(), await openEngine(other)];
    const closed = tenant.sockets.close({ subject: "ada@example.test", code: 4003, reason: '{"code":"X"}' });
    expect(closed).toBe(1);
    expect(await mine.closed).toEqual({ code: 4003, reason: '{"code":"X"}' });
    expect(theirs.socket.readyState).toBe(theirs.socket.OPEN);
    expect(tenant.sockets.close({ code: 4006 })).toBe(1);
    expect(JSON.parse((await theirs.closed).reason)).toMatchObject({ code: expect.any(String) as string });
  });

  test("are dropped without a close frame", async () => {
    const socket = await openEngine();
    expect(tenant.sockets.destroy()).toBe(1);
    expect((await socket.closed).code).toBe(1006);
    await eventually(() => expect(tenant.sockets.list()).toEqual([]));
  });

  test("end with the tenant", async () => {
    const socket = await openEngine();
    const events = expectSocket(await open("/api/v1/events"));
    await tenant.close();
    expect((await socket.closed).code).toBe(1006);
    expect((await events.closed).code).toBe(1006);
  });
});

describe("event socket (facts §5.6)", () => {
  test("needs session, token and Origin like any other", async () => {
    expectRefused(await openSocket(tenant, "/api/v1/events"), 401);
    expectRefused(await openSocket(tenant, "/api/v1/events", { cookie: ada.cookie }), 403);
    expectRefused(
      await openSocket(tenant, "/api/v1/events", { cookie: ada.cookie, origin: "https://evil.example.test" }),
      403,
    );
  });

  test("pushes what happens to resources", async () => {
    const socket = expectSocket(await open("/api/v1/events"));
    await eventually(() => expect(tenant.sockets.list()).toHaveLength(1));
    const boundary = "part";
    const made = await ada.write({
      method: "POST",
      path: "/api/v1/data-files",
      headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
      body: `--${boundary}\r\nContent-Disposition: form-data; name="File"; filename="a.csv"\r\n\r\na\r\n--${boundary}--\r\n`,
    });
    expect(JSON.parse(await socket.message(0))).toMatchObject({
      operation: "created",
      resourceType: "datafile",
      resourceId: made.json<{ id: string }>().id,
      success: true,
    });
  });
});
