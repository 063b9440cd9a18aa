import { afterEach, describe, expect, test } from "vitest";
import type { Identity } from "../../src/index.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { observeProcess } from "../support/observed-process.ts";
import { startStack, type Stack, type StackOptions } from "../support/stack.ts";
import { lifetimeAtTenant, loginPathOf, loginsAt, probesAt } from "../support/tenant-kind.ts";

const open: { close(): Promise<void> }[] = [];
async function start(proxy: StackOptions["proxy"] = {}): Promise<{ stack: Stack; clock: ManualClock }> {
  const clock = createManualClock();
  const stack = await startStack({ clock, proxy });
  open.push(stack);
  return { stack, clock };
}
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const items = "/api/v1/items?limit=2";
const ann: Identity = { subject: "ann", name: "Ann", email: "ann@acme.test" };
const logins = ({ tenant }: Stack) => loginsAt(tenant);
const probes = ({ tenant }: Stack): number => probesAt(tenant);
/** Minutes. */
const tenantLifetime = lifetimeAtTenant / minute;

async function firstApp(stack: Stack): Promise<string> {
  const answer = await stack.get("/api/v1/items?resourceType=app");
  return (answer.json() as { data: { resourceId: string }[] }).data[0]?.resourceId ?? "";
}

async function openSocket(stack: Stack) {
  const socket = stack.socket(`/app/${await firstApp(stack)}`);
  await socket.message();
  return socket;
}

/** A call of the engine over a socket, answered: a data frame of the browser that has arrived. */
async function use(socket: Awaited<ReturnType<typeof openSocket>>, id: number): Promise<void> {
  socket.ws.send(JSON.stringify({ jsonrpc: "2.0", id, handle: -1, method: "EngineVersion", params: [] }));
  await socket.message((text) => text.includes(`"id":${id},`) || text.includes(`"id":${id}}`));
}

describe("session.idleTimeout", () => {
  test("closes sockets with 4203 and ends the tenant's session; the next request logs in again", async () => {
    const { stack, clock } = await start({ session: { idleTimeout: 5 * minute } });
    const socket = await openSocket(stack);
    clock.advance(5 * minute - second);
    expect(stack.proxy.stats()).toMatchObject({ sessions: 1, sockets: 1 });
    clock.advance(second);
    expect(await socket.closed).toEqual({ code: 4203, reason: '{"code":"QSP-IDLE"}' });
    expect(stack.proxy.stats().sessions).toBe(0);
    await expect.poll(() => stack.tenant.sessions.list()).toEqual([]);
    await expect.poll(() => stack.tenant.sockets.list()).toEqual([]);
    expect((await stack.get(items)).status).toBe(200);
    expect(logins(stack)).toHaveLength(2);
  });

  test("is extended by requests of the rest class, not by static files and not by asking for the state", async () => {
    const { stack, clock } = await start({ session: { idleTimeout: 5 * minute } });
    await stack.get(items);
    clock.advance(4 * minute);
    await stack.get(items);
    clock.advance(4 * minute);
    expect((await stack.get("/_session")).json()).toMatchObject({ active: true, idleIn: 60 });
    await stack.get("/resources/a.js");
    expect((await stack.get("/_session")).json()).toMatchObject({ active: true, idleIn: 60 });
    clock.advance(minute);
    expect((await stack.get("/_session")).json()).toMatchObject({ active: false, idleIn: 0 });
    expect(logins(stack)).toHaveLength(1);
  });

  test("is extended by data frames of the browser", async () => {
    const { stack, clock } = await start({ session: { idleTimeout: 5 * minute } });
    const socket = await openSocket(stack);
    for (let id = 1; id <= 2; id += 1) {
      clock.advance(4 * minute);
      await use(socket, id);
    }
    clock.advance(minute + second);
    expect((await stack.get("/_session")).json()).toMatchObject({ active: true, sockets: 1 });
    expect(logins(stack)).toHaveLength(1);
  });

  test("is not extended by pings of the browser", async () => {
    const { stack, clock } = await start({ session: { idleTimeout: 5 * minute } });
    const socket = await openSocket(stack);
    clock.advance(4 * minute);
    const pong = new Promise((resolve) => socket.ws.once("pong", resolve));
    socket.ws.ping();
    await pong;
    clock.advance(minute);
    expect((await socket.closed).code).toBe(4203);
  });
});

describe("expiresAt of the identity", () => {
  test("ends the session at that moment: sockets 4203, requests 401", async () => {
    const clock = createManualClock();
    let identity: Identity = { ...ann, expiresAt: clock.now() + 5 * minute };
    const stack = await startStack({ clock, proxy: { identify: () => identity } });
    open.push(stack);
    const socket = await openSocket(stack);
    expect((await stack.get("/_session")).json()).toMatchObject({ expiresIn: 300 });
    clock.advance(5 * minute);
    expect(await socket.closed).toEqual({ code: 4203, reason: '{"code":"QSP-EXPIRED"}' });
    expect((await stack.get(items)).status).toBe(401);
    await expect.poll(() => stack.tenant.sessions.list()).toEqual([]);
    identity = { ...identity, expiresAt: clock.now() + 5 * minute };
    expect((await stack.get(items)).status).toBe(200);
  });

  test("moves with the host's word", async () => {
    const clock = createManualClock();
    const stack = await startStack({
      clock,
      proxy: { identify: () => ({ ...ann, expiresAt: clock.now() + 5 * minute }) },
    });
    open.push(stack);
    await stack.get(items);
    for (let round = 0; round < 3; round += 1) {
      clock.advance(4 * minute);
      expect((await stack.get(items)).status).toBe(200);
    }
    expect(logins(stack)).toHaveLength(1);
  });

  test("that has passed already is nobody signed in", async () => {
    const clock = createManualClock();
    const stack = await startStack({
      clock,
      proxy: { identify: () => ({ ...ann, expiresAt: clock.now() }) },
    });
    open.push(stack);
    expect((await stack.get(items)).status).toBe(401);
    expect(stack.tenant.recordings()).toHaveLength(0);
  });
});

describe("session.maxLifetime", () => {
  test("moves sockets with 4003; whoever is vouched for gets a new tenant session", async () => {
    const { stack, clock } = await start({ session: { maxLifetime: 8 * minute } });
    const socket = await openSocket(stack);
    clock.advance(4 * minute);
    await stack.get(items);
    clock.advance(4 * minute);
    expect(await socket.closed).toEqual({ code: 4003, reason: '{"code":"QSP-LIFETIME"}' });
    await expect.poll(() => stack.tenant.sessions.list()).toEqual([]);
    expect(await (await openSocket(stack)).message()).toContain("OnConnected");
    expect(logins(stack)).toHaveLength(2);
  });
});

describe("session.revalidate", () => {
  test("moves sockets with 4003 when the host has not vouched for so long, and the session stays", async () => {
    const { stack, clock } = await start();
    const socket = await openSocket(stack);
    for (let id = 1; id <= 2; id += 1) {
      clock.advance(4 * minute);
      await use(socket, id);
    }
    clock.advance(2 * minute);
    expect(await socket.closed).toEqual({ code: 4003, reason: '{"code":"QSP-REVALIDATE"}' });
    expect(stack.proxy.stats().sessions).toBe(1);
    expect(logins(stack)).toHaveLength(1);
  });

  test("counts from any request that the host vouched for", async () => {
    const { stack, clock } = await start();
    await openSocket(stack);
    for (let round = 0; round < 4; round += 1) {
      clock.advance(8 * minute);
      await stack.get(items);
    }
    expect(stack.proxy.stats()).toMatchObject({ sessions: 1, sockets: 1 });
  });

  test("a user whom the host has dropped does not get the socket back", async () => {
    let isKnown = true;
    const { stack, clock } = await start({ identify: () => (isKnown ? ann : null) });
    const app = await firstApp(stack);
    const socket = stack.socket(`/app/${app}`);
    await socket.message();
    isKnown = false;
    clock.advance(10 * minute);
    expect((await socket.closed).code).toBe(4003);
    expect((await stack.socket(`/app/${app}`).refused).status).toBe(401);
  });
});

describe("the tenant's own limits", () => {
  test("a session that nobody uses is not kept alive", async () => {
    const { stack, clock } = await start();
    await stack.get(items);
    for (let passed = 0; passed < 60; passed += 5) clock.advance(5 * minute);
    expect(probes(stack)).toBe(0);
    expect(stack.proxy.stats().sessions).toBe(0);
  });

  test("a session in use is renewed before the tenant's lifetime ends, and sockets stay", async () => {
    const { stack, clock } = await start({
      session: { maxLifetime: 48 * hour, revalidate: 24 * hour, renewBefore: 10 * minute },
    });
    const socket = await openSocket(stack);
    for (let passed = 0; passed < tenantLifetime - 30; passed += 15) {
      clock.advance(15 * minute);
      await stack.get(items);
    }
    expect(logins(stack)).toHaveLength(1);
    clock.advance(15 * minute);
    await stack.get(items);
    clock.advance(5 * minute);
    await expect.poll(() => logins(stack).length).toBe(2);
    await expect.poll(() => stack.tenant.sessions.list().length).toBe(2);
    // The socket holds the first generation; nobody has noticed anything.
    await use(socket, 1);
    clock.advance(9 * minute);
    expect((await stack.get(items)).status).toBe(200);
    expect(stack.tenant.recordings({ status: 401, path: "/api/**" })).toEqual([]);
    socket.ws.close();
    await expect.poll(() => stack.tenant.sessions.list().length).toBe(1);
  });

  test("a renewal in the background that fails is tried again, and the session serves on meanwhile", async () => {
    const observed = observeProcess();
    open.push({ close: async () => observed.stop() });
    const { stack, clock } = await start({
      session: { idleTimeout: 25 * hour, maxLifetime: 48 * hour, renewBefore: 10 * minute },
    });
    await stack.get(items);
    stack.tenant.fault({ kind: "status", status: 503, path: loginPathOf() });
    for (let passed = 0; passed < tenantLifetime - 10; passed += 10) {
      clock.advance(10 * minute);
      if (passed % 20 === 0) await stack.get(items);
    }
    await expect.poll(() => observed.events.join()).toContain("session.renewalFailed");
    expect((await stack.get(items)).status).toBe(200);
    stack.tenant.clearFaults();
    clock.advance(minute);
    await expect.poll(() => observed.events.join()).toContain("session.renewed");
    clock.advance(9 * minute);
    expect((await stack.get(items)).status).toBe(200);
    expect(stack.tenant.recordings({ status: 401, path: "/api/**" })).toEqual([]);
  });
});
