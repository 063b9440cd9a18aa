import { afterEach, describe, expect, test } from "vitest";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { baseAtTenant, loginsAt, nameAtTenant } from "../support/tenant-kind.ts";
import {
  createEnigma,
  type EnigmaClosing,
  type EnigmaTarget,
  nextEvent,
  openEnigma,
  refusalOf,
} from "../support/vendor-enigma.ts";
import { startVendorStack, type VendorStack } from "../support/vendor-stack.ts";
import type { StackOptions } from "../support/stack.ts";

/*
 * What the vendor's engine client lives through when sockets end: it is told the truth, and comes back where it was.
 */

const worlds: VendorStack[] = [];
async function start(options?: StackOptions): Promise<VendorStack> {
  const world = await startVendorStack(options);
  worlds.push(world);
  return world;
}
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

const target = (
  world: VendorStack,
  path: string,
  options: Partial<EnigmaTarget> & { readonly user?: string } = {},
): EnigmaTarget => ({
  host: world.host,
  path,
  headers: world.headersOf(options.user ?? "ann"),
  suspendOnClose: true,
  ...options,
});

const logins = ({ tenant }: VendorStack): number => loginsAt(tenant).length;

/** The codes that a tenant sends, beside those for a normal end (facts §5.5). */
const CODES = [
  1001, 1011, 4001, 4003, 4004, 4006, 4007, 4200, 4201, 4202, 4203, 4204, 4205, 4206, 4210, 4211, 4220, 4222,
  4230, 4240,
];

describe("a close of the tenant's", () => {
  test("reaches the client with its code and its reason as they were sent", async () => {
    const world = await start({ proxy: { limits: { socketsPerSession: 64 } } });
    for (const code of CODES) {
      const client = await openEnigma(target(world, `${APP_ID.sales}/identity/${code}`));
      const suspended = nextEvent(client.session, "suspended");
      const reason = `{"code":"QEP-${code}","traceId":"${"0".repeat(28)}${code}"} – é`;
      expect(world.tenant.sockets.close({ subject: nameAtTenant("ann"), code, reason })).toBe(1);
      expect(await suspended).toMatchObject({ code, reason, initiator: "network" });
      await world.idle();
    }
  });

  test("rejects what was under way", async () => {
    const world = await start();
    const { session, doc } = await openEnigma(target(world, APP_ID.sales, { suspendOnClose: false }));
    const closed = nextEvent(session, "closed");
    const underWay = Array.from({ length: 50 }, () => doc.evaluate("Sum(Amount)"));
    world.tenant.sockets.close({ code: 4220 });
    const outcomes = await Promise.allSettled(underWay);
    expect((await closed).code).toBe(4220);
    const refused = outcomes.filter(({ status }) => status === "rejected");
    for (const each of refused) expect(each).toMatchObject({ reason: { code: -1 } });
    await expect(doc.evaluate("1")).rejects.toMatchObject({ code: -1 });
  });
});

describe("an app that cannot be opened", () => {
  test.each([
    ["does not exist", "00000000-0000-4000-8000-000000000000", 4204, "QEP-104"],
    ["is not for the user", APP_ID.payroll, 4203, "QEP-"],
  ])("because it %s closes as the tenant closes it", async (_why, path, code, word) => {
    const world = await start();
    const { session } = createEnigma(target(world, path, { suspendOnClose: false }));
    const closed = nextEvent(session, "closed");
    const global = await session.open();
    const opening = global.openDoc(path);
    await expect(opening).rejects.toMatchObject({ code: -1 });
    const event = await closed;
    expect(event.code).toBe(code);
    expect(JSON.parse(event.reason ?? "")).toEqual({
      code: expect.stringContaining(word),
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });

  test("because nobody is signed in is refused before the tenant hears of it", async () => {
    const world = await start();
    const { session } = createEnigma(target(world, APP_ID.sales, { user: "", suspendOnClose: false }));
    expect(await refusalOf(session.open())).toBe("Unexpected server response: 401");
    expect(world.tenant.recordings()).toEqual([]);
  });
});

/** Opens an app, selects a region in it and keeps what happens to the session. */
async function openWithSelection(world: VendorStack, path: string) {
  const client = await openEnigma(target(world, path));
  const field = await client.doc.getField("Region");
  await field.select("APAC");
  const suspensions: EnigmaClosing[] = [];
  client.session.on("suspended", (event) => suspensions.push(event));
  return { ...client, suspensions };
}

describe("a client that comes back", () => {
  const WITH_TTL = `${APP_ID.sales}/ttl/60`;

  test("after 4003, in time, is in the same engine session: selections and handles are there", async () => {
    const world = await start();
    const { session, doc, states } = await openWithSelection(world, WITH_TTL);
    const suspended = nextEvent(session, "suspended");
    world.tenant.sockets.close({ code: 4003 });
    await suspended;
    await session.resume(true);
    expect(states).toEqual(["SESSION_CREATED", "SESSION_ATTACHED"]);
    expect(await doc.evaluate("=Region")).toBe("APAC");
    expect(world.tenant.recordings({ upgrade: true }).map(({ url }) => url.split("?")[0])).toEqual([
      `${baseAtTenant}/app/${WITH_TTL}`,
      `${baseAtTenant}/app/${WITH_TTL}`,
    ]);
    await session.close();
  });

  test("without a time to live opens the app anew", async () => {
    const world = await start();
    const { session, doc, states } = await openWithSelection(world, APP_ID.sales);
    const suspended = nextEvent(session, "suspended");
    world.tenant.sockets.close({ code: 4003 });
    await suspended;
    await world.idle();
    await session.resume();
    expect(states).toEqual(["SESSION_CREATED", "SESSION_CREATED"]);
    expect(await doc.evaluate("Count(distinct Region)")).toBe("3");
    await session.close();
  });

  test("after it went by itself is in the same engine session", async () => {
    const world = await start();
    const { session, doc, states, suspensions } = await openWithSelection(world, WITH_TTL);
    await session.suspend();
    await world.idle();
    await expect(doc.evaluate("1")).rejects.toMatchObject({ code: -11 });
    await session.resume(true);
    expect(states).toEqual(["SESSION_CREATED", "SESSION_ATTACHED"]);
    expect(suspensions).toMatchObject([{ initiator: "manual" }]);
    expect(await doc.evaluate("=Region")).toBe("APAC");
    await session.close();
  });

  test("after the tenant was lost without a word is in the same engine session", async () => {
    const world = await start();
    const { session, doc, states } = await openWithSelection(world, WITH_TTL);
    const suspended = nextEvent(session, "suspended");
    world.tenant.sockets.destroy();
    expect((await suspended).code).toBe(4003);
    await session.resume(true);
    expect(states.at(-1)).toBe("SESSION_ATTACHED");
    expect(await doc.evaluate("=Region")).toBe("APAC");
    await session.close();
  });

  test("after a drain is in the same engine session, through another instance of the proxy", async () => {
    const world = await start({ proxy: { timeouts: { drainDelay: 50, drain: 2000 } } });
    const clients = [
      await openWithSelection(world, WITH_TTL),
      await openWithSelection(world, `${APP_ID.sales}/identity/2/ttl/60`),
    ];
    const second = await world.startSecond();
    world.door.leadTo(second.server);
    const suspensions = clients.map(({ session }) => nextEvent(session, "suspended"));
    const drained = world.stack.proxy.drain();
    for (const event of await Promise.all(suspensions))
      expect(event).toMatchObject({ code: 4003, reason: '{"code":"QSP-DRAINING"}' });
    await Promise.all(clients.map(({ session }) => session.resume(true)));
    await drained;
    for (const { doc, states } of clients) {
      expect(states).toEqual(["SESSION_CREATED", "SESSION_ATTACHED"]);
      expect(await doc.evaluate("=Region")).toBe("APAC");
    }
    expect(world.stack.proxy.stats()).toMatchObject({ sockets: 0, inFlight: 0, draining: true });
    expect(second.proxy.stats()).toMatchObject({ sockets: 2, draining: false });
    expect(logins(world)).toBe(2);
    await Promise.all(clients.map(({ session }) => session.close()));
  });
});

describe("the tenant's session", () => {
  test("may end under an open socket: nothing is seen of it, and the next socket finds a new one", async () => {
    const world = await start();
    const { session, doc, suspensions, sockets } = await openWithSelection(world, APP_ID.sales);
    world.tenant.sessions.expire();
    expect(await doc.evaluate("=Region")).toBe("APAC");
    const other = await openEnigma(target(world, APP_ID.sales));
    expect(other.states).toEqual(["SESSION_ATTACHED"]);
    expect(await other.doc.evaluate("=Region")).toBe("APAC");
    expect(logins(world)).toBe(2);
    expect([suspensions, sockets.length]).toEqual([[], 1]);
    await Promise.all([session.close(), other.session.close()]);
  });

  test("ends with a log-out: the client is told 4203, and gets no other socket with that host session", async () => {
    const world = await start();
    const headers = world.headersOf("ann;host-session-1");
    const { session } = await openEnigma(target(world, `${APP_ID.sales}/ttl/60`, { headers }));
    const suspended = nextEvent(session, "suspended");
    const answer = await fetch(`${world.host}/_session`, { method: "DELETE", headers });
    expect(answer.status).toBe(204);
    expect(await suspended).toMatchObject({ code: 4203, reason: '{"code":"QSP-LOGOUT"}' });
    expect(await refusalOf(session.resume())).toBe("Unexpected server response: 401");
    expect(world.tenant.sessions.list()).toEqual([]);
  });
});
