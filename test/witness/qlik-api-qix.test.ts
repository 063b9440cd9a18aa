import { type Doc, openAppSession, type OpenAppSessionProps, type WebSocketEvent } from "@qlik/api/qix";
import { afterEach, describe, expect, test } from "vitest";
import { APP_ID, OBJECT_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { groupLines, orderLines, sumOf } from "../support/order-lines.ts";
import type { StackOptions } from "../support/stack.ts";
import { baseAtTenant, loginsAt, nameAtTenant, socketParameters } from "../support/tenant-kind.ts";
import { portalConfig } from "../support/vendor-qlik-api.ts";
import { alice, startVendorStack, strangers, type VendorStack } from "../support/vendor-stack.ts";

/*
 * The engine sessions of @qlik/api through the proxy: the client that qlik-embed itself uses, with its own rules for
 * when to come back by itself.
 */

const worlds: VendorStack[] = [];
const sessions: { close(): Promise<void> }[] = [];
async function start(options?: StackOptions): Promise<VendorStack> {
  const world = await startVendorStack(options);
  worlds.push(world);
  return world;
}
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close();
  for (const world of worlds.splice(0)) {
    await world.idle();
    const around = strangers(world.tenant.recordings());
    await world.close();
    if (around.length > 0) throw new Error(`A request went around the proxy: ${around[0]?.url}`);
  }
});

/**
 * Opens an app session and keeps what it tells of its socket. The client shares one socket between sessions whose host,
 * app, identity and time to live are the same, whoever their user: a test that wants two sockets has to vary these.
 */
function openSession(
  world: VendorStack,
  props: Partial<OpenAppSessionProps> & { readonly user?: string } = {},
): TestSession {
  const { user = "ann", ...others } = props;
  const hostConfig = portalConfig(world, user);
  const session = openAppSession({ appId: APP_ID.sales, hostConfig, ttlSeconds: 60, ...others });
  sessions.push(session);
  const events: WebSocketEvent[] = [];
  const waiting = new Set<() => void>();
  session.onWebSocketEvent((event) => {
    events.push(event);
    for (const look of waiting) look();
  });
  const event = (type: WebSocketEvent["eventType"]): Promise<WebSocketEvent> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = events.find(({ eventType }) => eventType === type);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { getDoc: () => session.getDoc(), resume: () => session.resume(), events, event };
}

/** An app session, and what it told of its socket. */
interface TestSession {
  getDoc(): Promise<Doc>;
  resume(): Promise<void>;
  readonly events: readonly WebSocketEvent[];
  /** Resolves with the first event of a kind; also one that came before. */
  event(type: WebSocketEvent["eventType"]): Promise<WebSocketEvent>;
}

const sockets = ({ tenant }: VendorStack): readonly string[] =>
  tenant.recordings({ upgrade: true }).map(({ url }) => url);
const probes = ({ tenant }: VendorStack): number => tenant.recordings({ path: "/api/v1/user-locale" }).length;
const logins = ({ tenant }: VendorStack): number => loginsAt(tenant).length;

describe("a session", () => {
  test("reads a hypercube that adds up to the rows of the app", async () => {
    const world = await start();
    const session = openSession(world);
    const doc = await session.getDoc();
    const cube = await doc.createSessionObject({
      qInfo: { qType: "cube" },
      qHyperCubeDef: {
        qDimensions: [{ qDef: { qFieldDefs: ["Country"] } }],
        qMeasures: [{ qDef: { qDef: "Sum(Amount)" } }],
        qInitialDataFetch: [{ qWidth: 2, qHeight: 100 }],
      },
    });
    const { qHyperCube } = await cube.getLayout();
    const sums = new Map(
      qHyperCube?.qDataPages?.[0]?.qMatrix?.map(([name, sum]) => [name?.qText, sum?.qNum]),
    );
    const countries = groupLines(orderLines(), ["Country"]);
    expect(new Set(sums.keys())).toEqual(new Set(countries.keys()));
    for (const [country, orders] of countries)
      expect(sums.get(country)).toBeCloseTo(sumOf(orders, "Amount"), 4);
  });

  test("reaches the tenant with path and query as the client wrote them, and what is ours to say", async () => {
    const world = await start();
    const session = openSession(world, { identity: "tab 1", workloadType: "interact" });
    await session.getDoc();
    const [url = ""] = sockets(world);
    const [path, query = ""] = url.split("?");
    expect(decodeURIComponent(path ?? "")).toBe(`${baseAtTenant}/app/${APP_ID.sales}/identity/tab 1/ttl/60`);
    const reloadUri = encodeURIComponent(`${world.host.replace("http", "ws")}/sense/app/${APP_ID.sales}`);
    const asWritten = `reloadUri=${reloadUri}&workloadType=interact`;
    const [own, ours] = [query.slice(0, asWritten.length), query.slice(asWritten.length)];
    expect(own).toBe(asWritten);
    expect([...new URLSearchParams(ours).keys()].toSorted()).toEqual(socketParameters);
  });

  test("shares its selections with another of the same user, and no others", async () => {
    const world = await start();
    const [first, second, other] = [
      openSession(world),
      openSession(world, { autoResume: true, ttlSeconds: 61 }),
      openSession(world, { user: alice, ttlSeconds: 62 }),
    ];
    const [doc, same, others] = await Promise.all([first.getDoc(), second.getDoc(), other.getDoc()]);
    const bar = await same.getObject(OBJECT_ID.sales.bar);
    await bar.getLayout();
    const changed = new Promise<void>((resolve) => bar.on("changed", resolve));
    await (await doc.getField("Region")).select("APAC");
    await changed;
    expect((await bar.getLayout()).qHyperCube?.qSize?.qcy).toBe(1);
    expect(await others.evaluate("=Region")).toBe("EMEA");
    expect(
      world.tenant.sockets
        .list()
        .map(({ subject }) => subject)
        .toSorted(),
    ).toEqual([alice, "ann", "ann"].map(nameAtTenant));
  });

  test("outlives the end of the tenant's session, and nothing is seen of it", async () => {
    const world = await start();
    const session = openSession(world);
    const doc = await session.getDoc();
    await (await doc.getField("Region")).select("APAC");
    world.tenant.sessions.expire();
    expect(await doc.evaluate("=Region")).toBe("APAC");
    const second = openSession(world, { identity: "second" });
    expect(await (await second.getDoc()).evaluate("Count(distinct Region)")).toBe("3");
    expect([session.events.map(({ eventType }) => eventType), logins(world)]).toEqual([["opened"], 2]);
  });

  test("for an app that does not exist says so in words", async () => {
    const world = await start();
    const appId = "00000000-0000-4000-8000-000000000000";
    const session = openSession(world, { appId });
    await expect(session.getDoc()).rejects.toThrow(`Failed to open app ${appId} on ${world.host}`);
    const { code, reason } = (await session.event("suspended")) as Extract<
      WebSocketEvent,
      { eventType: "suspended" }
    >;
    expect([code, JSON.parse(reason)]).toMatchObject([4204, { code: "QEP-104" }]);
  });
});

describe("after 4003", () => {
  test("the client comes back by itself, to its selections, after one look at the session", async () => {
    const world = await start();
    const session = openSession(world);
    const doc = await session.getDoc();
    const bar = await doc.getObject(OBJECT_ID.sales.bar);
    await (await doc.getField("Region")).select("APAC");
    world.tenant.sockets.close({ code: 4003, reason: '{"code":"QEP-1"}' });
    expect(await session.event("suspended")).toMatchObject({ code: 4003, reason: '{"code":"QEP-1"}' });
    await session.event("resumed");
    expect((await bar.getLayout()).qHyperCube?.qSize?.qcy).toBe(1);
    expect(await doc.evaluate("=Region")).toBe("APAC");
    expect([sockets(world).length, probes(world), logins(world)]).toEqual([2, 1, 1]);
  });

  test("the client that resumes on its own account reopens at once", async () => {
    const world = await start();
    const session = openSession(world, { autoResume: true });
    const doc = await session.getDoc();
    const bar = await doc.getObject(OBJECT_ID.sales.bar);
    await (await doc.getField("Region")).select("APAC");
    world.tenant.sockets.close({ code: 4003 });
    await expect.poll(() => sockets(world).length).toBe(2);
    expect(await doc.evaluate("=Region")).toBe("APAC");
    expect((await bar.getLayout()).qHyperCube?.qSize?.qcy).toBe(1);
  });

  test("of a drain both kinds of client go on through another instance", async () => {
    const world = await start({ proxy: { timeouts: { drainDelay: 50, drain: 2000 } } });
    const clients = [openSession(world), openSession(world, { autoResume: true, identity: "auto" })];
    const docs = await Promise.all(clients.map((session) => session.getDoc()));
    for (const doc of docs) await (await doc.getField("Region")).select("APAC");
    const second = await world.startSecond();
    world.door.leadTo(second.server);
    await world.stack.proxy.drain();
    await expect.poll(() => second.proxy.stats().sockets).toBe(2);
    await clients[0]?.event("resumed");
    for (const doc of docs) expect(await doc.evaluate("=Region")).toBe("APAC");
    expect(world.stack.proxy.stats()).toMatchObject({ sockets: 0, inFlight: 0 });
  });
});

describe("after another end", () => {
  test.each([1001, 4206, 4211])("%i the client waits, and goes on when it is told to", async (code) => {
    const world = await start();
    const session = openSession(world);
    const doc = await session.getDoc();
    await (await doc.getField("Region")).select("APAC");
    world.tenant.sockets.close({ code });
    expect(await session.event("suspended")).toMatchObject({ code });
    await session.resume();
    expect(await doc.evaluate("=Region")).toBe("APAC");
  });

  test("4206 the client that resumes on its own account goes on with its next call", async () => {
    const world = await start();
    const session = openSession(world, { autoResume: true });
    const doc = await session.getDoc();
    await (await doc.getField("Region")).select("APAC");
    world.tenant.sockets.close({ code: 4206 });
    await session.event("suspended");
    expect(await doc.evaluate("=Region")).toBe("APAC");
    expect(sockets(world)).toHaveLength(2);
  });

  test("a log-out: the client is told 4203 and does not get back in", async () => {
    const world = await start();
    const user = "ann;host-session-1";
    const told: { readonly message: string }[] = [];
    const hostConfig = { ...portalConfig(world, user), onAuthFailed: told.push.bind(told) };
    const session = openSession(world, { hostConfig });
    await session.getDoc();
    const headers = world.headersOf(user);
    expect((await fetch(`${world.host}/_session`, { method: "DELETE", headers })).status).toBe(204);
    expect(await session.event("suspended")).toMatchObject({ code: 4203, reason: '{"code":"QSP-LOGOUT"}' });
    await expect(session.resume()).rejects.toThrow(/unauthorized/);
    expect(told).toMatchObject([{ message: expect.stringContaining("QSP-UNAUTHENTICATED") }]);
    expect(world.tenant.sessions.list()).toEqual([]);
  });
});
