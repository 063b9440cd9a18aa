import { Agent, type IncomingMessage } from "node:http";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test } from "vitest";
import type { Identity, SessionProxyOptions } from "../../src/index.ts";
import { observeProcess } from "../support/observed-process.ts";
import type { RawAnswer } from "../support/raw-client.ts";
import { startStack, type Stack, type StackOptions } from "../support/stack.ts";
import { loginsAt, nameAtTenant } from "../support/tenant-kind.ts";
import { wire } from "../support/kind-on-the-wire.ts";

const open: { close(): Promise<void> }[] = [];
async function start(proxy: StackOptions["proxy"] = {}): Promise<Stack> {
  const stack = await startStack({ proxy });
  open.push(stack);
  return stack;
}
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const items = "/api/v1/items?limit=2";
const engine = "/app/engineData";
const codeOf = (answer: RawAnswer) => (answer.json() as { errors: { code: string }[] }).errors[0]?.code;
const from = (user: string) => ({ headers: { "x-test-user": user } }) as unknown as IncomingMessage;
const logins = ({ tenant }: Stack) => loginsAt(tenant);
const ann: Identity = { subject: "ann", name: "Ann", email: "ann@acme.test" };

describe("an identify that", () => {
  const failing: readonly (readonly [string, () => unknown])[] = [
    [
      "throws",
      () => {
        throw new Error("canary");
      },
    ],
    [
      "throws nothing in particular",
      () => {
        throw undefined;
      },
    ],
    ["rejects", () => Promise.reject(new Error("canary"))],
    ["rejects with nothing in particular", () => Promise.reject(undefined)],
    ["returns a text", () => "ann"],
    ["returns true", () => true],
    ["returns a number", () => 7],
    ["returns an empty object", () => ({})],
    ["returns a list", () => [ann]],
    ["returns a subject that is a number", () => ({ ...ann, subject: 7 })],
    ["returns an empty subject", () => ({ ...ann, subject: "" })],
    ["returns a subject with a line break", () => ({ ...ann, subject: "ann\r\nx-admin: 1" })],
    ["returns groups that are a text", () => ({ ...ann, groups: "a,b" })],
    ["returns an end that is no time", () => ({ ...ann, expiresAt: "tomorrow" })],
    [
      "returns an object that fails when it is read",
      () => ({
        get subject() {
          throw new Error("canary");
        },
      }),
    ],
    ["resolves to nonsense", () => Promise.resolve({ subject: { toString: "ann" } })],
  ];

  test.each(failing)(
    "%s is 500 QSP-IDENTITY for requests and upgrades, and the process lives",
    async (_name, identify) => {
      const observed = observeProcess();
      open.push({ close: async () => observed.stop() });
      const stack = await start({ identify } as Partial<SessionProxyOptions>);
      const answer = await stack.get(items);
      expect([answer.status, codeOf(answer)]).toEqual([500, "QSP-IDENTITY"]);
      const refused = await stack.socket(engine).refused;
      expect([refused.status, refused.body]).toEqual([500, expect.stringContaining("QSP-IDENTITY")]);
      expect((await stack.get("/_session")).status).toBe(503);
      expect(answer.text + refused.body).not.toContain("canary");
      expect(observed.uncaught).toEqual([]);
      expect(stack.tenant.recordings()).toHaveLength(0);
      expect(stack.proxy.stats()).toMatchObject({ sessions: 0, inFlight: 0 });
    },
  );

  test.each([
    ["null", () => null],
    ["undefined", () => undefined],
    ["false", () => false],
    ["a promise of null", () => Promise.resolve(null)],
  ])("returns %s says that nobody is signed in", async (_name, identify) => {
    const stack = await start({ identify } as Partial<SessionProxyOptions>);
    const answer = await stack.get(items);
    expect([answer.status, codeOf(answer)]).toEqual([401, "QSP-UNAUTHENTICATED"]);
    expect((await stack.socket(engine).refused).status).toBe(401);
  });

  test("answers with a promise of another realm, as test runners and query builders do, is waited for", async () => {
    const identify = () => runInNewContext("Promise.resolve(ann)", { ann }) as Promise<Identity>;
    expect(identify()).not.toBeInstanceOf(Promise);
    const stack = await start({ identify });
    expect((await stack.get("/api/v1/users/me")).json()).toMatchObject({ subject: nameAtTenant("ann") });
  });

  test("changes its mind while the login is under way gets no session", async () => {
    let answers = 0;
    const stack = await start({ identify: () => ((answers += 1) === 1 ? ann : null) });
    expect((await stack.get(items)).status).toBe(401);
    expect(stack.tenant.sessions.list()).toEqual([]);
    expect(stack.proxy.stats().sessions).toBe(0);
  });
});

describe("two users of one browser", () => {
  test("on one connection, each gets answers of their own from the first request on", async () => {
    const stack = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const subjects: unknown[] = [];
    for (const user of ["ann", "bob", "ann", "cid", "bob"]) {
      const answer = await stack.get("/api/v1/users/me", { user, agent });
      subjects.push((answer.json() as { subject: string }).subject);
    }
    expect(subjects).toEqual(["ann", "bob", "ann", "cid", "bob"].map(nameAtTenant));
    expect((await stack.get(items, { user: null, agent })).status).toBe(401);
    agent.destroy();
    const peers = new Map<string, Set<string | undefined>>();
    for (const { peer, subject } of stack.tenant.recordings({ path: "/api/v1/users/me" }))
      peers.set(peer, (peers.get(peer) ?? new Set()).add(subject));
    expect([...peers.values()].every((each) => each.size === 1)).toBe(true);
  });

  test("a copy in the browser's cache that one has is not confirmed for the other", async () => {
    const stack = await start();
    const answer = {
      path: "/api/v1/items",
      status: 200,
      headers: [
        ["etag", '"v1"'],
        ["content-type", "application/json"],
      ],
    } as const;
    stack.tenant.enqueue({ ...answer, body: "{}" });
    const first = await stack.get(items, { user: "ann" });
    const tag = first.header("etag") ?? "";
    expect(tag).toContain("v1");
    await stack.get(items, { user: "bob", headers: { "if-none-match": tag } });
    await stack.get(items, { user: "ann", headers: { "if-none-match": tag } });
    const asked = stack.tenant
      .recordings({ path: "/api/v1/items" })
      .map(({ headers }) => headers.find(([name]) => name.toLowerCase() === "if-none-match")?.[1]);
    expect(asked).toEqual([undefined, undefined, expect.stringContaining('"v1"')]);
    expect(first.header("vary")).toContain("Cookie");
    expect(first.header("cache-control")).toBe("private, no-cache");
  });
});

describe("the handles of the host", () => {
  test("logout(request) ends the session here and at the tenant, and does nothing where there is none", async () => {
    const stack = await start();
    await stack.get(items, { user: "ann;1" });
    await stack.proxy.logout(from(""));
    await stack.proxy.logout(from("bob;1"));
    expect(stack.proxy.stats().sessions).toBe(1);
    await stack.proxy.logout(from("ann;1"));
    expect(stack.proxy.stats().sessions).toBe(0);
    expect(stack.tenant.sessions.list()).toEqual([]);
    await stack.proxy.logout(from("ann;1"));
    expect(stack.tenant.recordings({ path: wire.logoutPath })).toHaveLength(1);
  });

  test("logout(request) succeeds where the tenant cannot be told", async () => {
    const stack = await start({ timeouts: { login: 200 } });
    await stack.get(items, { user: "ann;1" });
    stack.tenant.fault({ kind: "silence", path: wire.logoutPath });
    await stack.proxy.logout(from("ann;1"));
    expect((await stack.get(items, { user: "ann;1" })).status).toBe(401);
  });

  test("revoke({ subject }) ends every session of a subject with 4203, and nobody else's", async () => {
    const stack = await start();
    const users = ["ann;1", "ann;2", "bob;1"];
    const sockets = users.map((user) => stack.socket(engine, { user }));
    await Promise.all(sockets.map((socket) => socket.message()));
    await stack.proxy.revoke({ subject: "ann" });
    for (const socket of sockets.slice(0, 2))
      expect(await socket.closed).toEqual({ code: 4203, reason: '{"code":"QSP-REVOKED"}' });
    expect(stack.tenant.sessions.list().map(({ subject }) => subject)).toEqual([nameAtTenant("bob")]);
    expect((await stack.get(items, { user: "ann;1" })).status).toBe(401);
    expect((await stack.get(items, { user: "bob;1" })).status).toBe(200);
    expect(sockets[2]?.ws.readyState).toBe(sockets[2]?.ws.OPEN);
  });

  test("revoke with blockFor lets no new session begin for so long", async () => {
    const stack = await start();
    await stack.proxy.revoke({ subject: "ann", blockFor: 3_600_000 });
    expect((await stack.get(items, { user: "ann;new" })).status).toBe(401);
    expect((await stack.socket(engine, { user: "ann;new" }).refused).status).toBe(401);
    expect(logins(stack)).toHaveLength(0);
    expect((await stack.get(items, { user: "bob" })).status).toBe(200);
  });

  test("stats() counts sessions, sockets and what is in flight", async () => {
    const stack = await start();
    expect(stack.proxy.stats()).toEqual({
      sessions: 0,
      sockets: 0,
      socketBytes: { down: 0, up: 0 },
      inFlight: 0,
      draining: false,
      loginsHeldBack: false,
      storeReachable: true,
      upstream: { connections: 0, opened: 0, requests: 0 },
    });
    const socket = stack.socket(engine);
    await socket.message();
    stack.tenant.fault({ kind: "delay", ms: 300, path: "/api/v1/items" });
    const pending = stack.get(items);
    await expect.poll(() => stack.proxy.stats()).toMatchObject({ sessions: 1, sockets: 1, inFlight: 1 });
    await pending;
    socket.ws.close();
    await expect.poll(() => stack.proxy.stats()).toMatchObject({ sessions: 1, sockets: 0, inFlight: 0 });
  });

  test("close() ends everything: sockets 4003, tenant sessions over, requests after it 503", async () => {
    const stack = await start();
    const socket = stack.socket(engine);
    await socket.message();
    await stack.get(items, { user: "bob" });
    await stack.proxy.close();
    expect((await socket.closed).code).toBe(4003);
    expect(stack.tenant.sessions.list()).toEqual([]);
    const answer = await stack.get(items);
    expect([answer.status, codeOf(answer)]).toEqual([503, "QSP-BUSY"]);
    expect((await stack.socket(engine).refused).status).toBe(503);
    await stack.proxy.close();
    expect(stack.proxy.stats()).toMatchObject({ sessions: 0, sockets: 0, inFlight: 0 });
  });
});

describe("an identity whose proof is older than the request", () => {
  test("does not come back after a revocation before a newer proof, however often it is vouched for", async () => {
    let evidenceAt = Date.now() - 60_000;
    const stack = await start({ identify: () => ({ ...ann, evidenceAt }) });
    expect((await stack.get(items)).status).toBe(200);
    await stack.proxy.revoke({ subject: "ann" });
    evidenceAt = Date.now() - 1000;
    expect((await stack.get(items)).status).toBe(401);
    // A proof from after the end, whose request comes once nothing from before it can be under way any more.
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect((await stack.get(items)).status).toBe(401);
    evidenceAt = Date.now();
    expect((await stack.get(items)).status).toBe(200);
  });

  test("is not taken for a proof from the future", async () => {
    const stack = await start({ identify: () => ({ ...ann, evidenceAt: Date.now() + 3_600_000 }) });
    expect((await stack.get(items)).status).toBe(200);
    await stack.proxy.revoke({ subject: "ann" });
    expect((await stack.get(items)).status).toBe(401);
  });
});
