import { afterEach, describe, expect, test } from "vitest";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { NodeStore, SharedMemoryStore } from "../support/shared-memory-store.ts";
import { startStack, type Stack, type StackOptions } from "../support/stack.ts";
import { everyKind, loginPathOf, loginsAt, subjectAt, valueOf } from "../support/tenant-kind.ts";

/*
 * What is promised of a session holds for every kind of tenant: one login, unseen renewal, an end that is one.
 */

const stacks: Stack[] = [];
afterEach(async () => {
  for (const stack of stacks.splice(0).reverse()) await stack.close();
});

const me = "/api/v1/users/me";
const items = "/api/v1/items?limit=2";
const policy = { presets: ["embed", "embed-write"] };
const report = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ type: "sense-image-1.0" }),
};

describe.each(everyKind)("a session at %s", (kind) => {
  const start = async (options: StackOptions = {}): Promise<Stack> => {
    const stack = await startStack({ kind, ...options, proxy: { policy, ...options.proxy } });
    stacks.push(stack);
    return stack;
  };
  const logins = ({ tenant }: Stack): number => loginsAt(tenant, kind).length;
  const codeOf = (answer: { json(): unknown }): string | undefined =>
    (answer.json() as { errors: { code: string }[] }).errors[0]?.code;

  test("is made once for all first requests, and is the user's own", async () => {
    const stack = await start();
    const answers = await Promise.all(Array.from({ length: 30 }, () => stack.get(items)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect([logins(stack), stack.tenant.sessions.list().length]).toEqual([1, 1]);
    const users = ["ann", "bob"];
    const who = await Promise.all(users.map((user) => stack.get(me, { user })));
    expect(who.map((each) => (each.json() as { subject: string }).subject)).toEqual(
      users.map((user) => subjectAt(kind, user)),
    );
    expect(logins(stack)).toBe(2);
    for (const path of [me, items, "/api/v1/themes"]) await stack.get(path);
    expect(stack.tenant.sessions.list()).toHaveLength(2);
  });

  test("that is lost is renewed unseen, for reading, for writing and for sockets", async () => {
    const stack = await start();
    await stack.get(items);
    stack.tenant.sessions.expire();
    const answers = await Promise.all(Array.from({ length: 10 }, () => stack.get(items)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(logins(stack)).toBe(2);
    stack.tenant.sessions.expire();
    expect((await stack.get("/api/v1/reports", report)).status).toBe(202);
    expect(logins(stack)).toBe(3);
    stack.tenant.sessions.expire();
    expect(await stack.socket(`/app/${APP_ID.sales}`).message()).toContain("SESSION_CREATED");
    expect(logins(stack)).toBe(4);
  });

  test("lives on where one endpoint says 401 of its own", async () => {
    const stack = await start();
    await stack.get(items);
    stack.tenant.fault({ kind: "status", status: 401, path: "/api/v1/themes" });
    const answers = [await stack.get("/api/v1/themes"), await stack.get("/api/v1/themes")];
    expect(answers.map(({ status }) => status)).toEqual([401, 401]);
    expect(logins(stack)).toBe(1);
  });

  test("ends with the log-out: at the tenant too, and its sockets with 4203", async () => {
    const stack = await start();
    await stack.get(items);
    const socket = stack.socket(`/app/${APP_ID.sales}`);
    await socket.message();
    const headers = { origin: stack.origin };
    expect((await stack.get("/_session", { method: "DELETE", headers })).status).toBe(204);
    expect((await socket.closed).code).toBe(4203);
    await expect.poll(() => stack.tenant.sessions.list()).toEqual([]);
  });

  test("wins nothing from a login that a log-out overtakes", async () => {
    const stack = await start();
    stack.tenant.fault({ kind: "delay", ms: 200, path: loginPathOf(kind), times: 1 });
    const pending = stack.get(items);
    await expect.poll(() => logins(stack)).toBe(1);
    await stack.get("/_session", { method: "DELETE", headers: { origin: stack.origin } });
    expect((await pending).status).toBe(401);
    await expect.poll(() => stack.tenant.sessions.list()).toEqual([]);
  });

  test("is shared by all nodes, sealed in their store, and each of them can end it", async () => {
    const core = new SharedMemoryStore(systemClock);
    const proxy = { secret: "s".repeat(32), policy };
    const one = await start({ proxy: { ...proxy, store: new NodeStore(core) } });
    const two = await start({
      tenantOrigin: one.tenant.origin,
      proxy: { ...proxy, store: new NodeStore(core) },
    });
    expect((await one.get(items)).status).toBe(200);
    expect((await two.get(items)).status).toBe(200);
    expect(await two.socket(`/app/${APP_ID.sales}`).message()).toContain("SESSION_CREATED");
    expect(logins(one)).toBe(1);
    const seen = one.tenant.recordings({ path: "/api/v1/items" });
    const [shown = ""] = seen.map((each) => valueOf(each, "authorization") ?? valueOf(each, "cookie") ?? "");
    const [credential = ""] = shown.split(/[ =;]/).filter((part) => part.length > 30);
    expect(credential.length).toBeGreaterThan(30);
    expect(seen).toHaveLength(2);
    expect(JSON.stringify([...core.dump()])).not.toContain(credential);
    await two.get("/_session", { method: "DELETE", headers: { origin: two.origin } });
    await expect.poll(() => one.tenant.sessions.list()).toEqual([]);
  });

  test("is not made for a user whom the tenant does not take, and others are not held up", async () => {
    const stack = await start();
    stack.tenant.users.setStatus(subjectAt(kind, "ann"), "disabled");
    const refused = await stack.get(items);
    expect([refused.status, codeOf(refused)]).toEqual([403, "QSP-USER-REFUSED"]);
    expect((await stack.get(items, { user: "bob" })).status).toBe(200);
  });

  test("is not made by a proxy that the tenant does not take, which asks no more after three users", async () => {
    const wrong = kind === "qlik-cloud-oauth" ? { oauthClients: [] } : { identityProviders: [] };
    const stack = await start({ tenant: wrong });
    for (const user of ["ann", "bob", "cid", "dan", "eve"]) {
      const answer = await stack.get(items, { user });
      expect([answer.status, codeOf(answer)]).toEqual([502, "QSP-TENANT-REFUSED"]);
    }
    expect(logins(stack)).toBe(3);
  });

  test("waits as long as a tenant that limits logins asks for", async () => {
    const stack = await start();
    stack.tenant.fault({ kind: "throttle", retryAfter: 13, path: loginPathOf(kind) });
    const answer = await stack.get(items);
    expect([answer.status, codeOf(answer)]).toEqual([503, "QSP-TENANT-THROTTLED"]);
    expect(Number(answer.header("retry-after"))).toBe(13);
    expect((await stack.get(items)).status).toBe(503);
    expect(logins(stack)).toBe(1);
  });

  test("is renewed in the background before it ends, and kept awake only where it would fall asleep", async () => {
    const clock = createManualClock();
    const [minute, hour] = [60_000, 3_600_000];
    const stack = await start({ clock, proxy: { session: { idleTimeout: "2d", maxLifetime: "7d" } } });
    await stack.get(items);
    const probes = (): number =>
      kind === "qlik-sense-jwt"
        ? stack.tenant.recordings({ path: "/qps/csrftoken" }).length - logins(stack)
        : stack.tenant.recordings({ path: me }).length;
    clock.advance(25 * minute);
    // A token needs no waking; the others are asked for once.
    if (kind === "qlik-cloud-oauth") await stack.get(items);
    await expect.poll(probes).toBe(kind === "qlik-cloud-oauth" ? 0 : 1);
    const life = kind === "qlik-cloud-oauth" ? 6 * hour : 24 * hour;
    for (let passed = 25 * minute; passed < life - 20 * minute; passed += 10 * minute) {
      clock.advance(10 * minute);
      expect((await stack.get(items)).status).toBe(200);
    }
    expect(logins(stack)).toBe(1);
    clock.advance(14 * minute);
    await expect.poll(() => logins(stack)).toBe(2);
    clock.advance(5 * minute);
    expect((await stack.get(items)).status).toBe(200);
    // Of requests: the session before is ended meanwhile, and may have been over by then.
    const lost = stack.tenant.recordings({ status: 401, path: "/api/**" });
    expect([logins(stack), lost]).toEqual([2, []]);
  });
});
