/* Several processes are one server to whoever scrapes it, and to the console. Real workers, real deaths. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConsoleState } from "../../src/server/console/console.ts";
import { metricTable } from "../../src/server/metrics/metric-table.ts";
import { type Exposition, parseExposition } from "../support/exposition.ts";
import { type NamedTenant, startNamedTenant } from "../support/named-tenant.ts";
import { servedHeaders, type ServedProxy, servedToken, startServedProxy } from "../support/served-proxy.ts";
import { testSocket } from "../support/stack.ts";
import { childrenOf } from "../support/worker-pids.ts";

interface Line {
  readonly event: string;
  readonly worker?: number;
}

let tenant: NamedTenant;
let server: ServedProxy;
/** Users that have asked once. */
let users = 0;

const me = "/api/v1/users/me";
const exchanges = 'qsp_exchanges_total{route="rest",method="GET",status="200"}';

/** The workers that have told of an event. */
const workersOf = (event: string): ReadonlySet<number | undefined> => {
  const lines = server.command.lines.map((text) => JSON.parse(text) as Line);
  return new Set(lines.filter((line) => line.event === event).map(({ worker }) => worker));
};

/** One request of each of so many new users, on connections of their own. */
async function ask(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    users += 1;
    expect((await server.ask(me, { user: `person-of-note-${users}` })).status).toBe(200);
  }
}

const admin = async (path: string): Promise<string> => {
  const headers = { authorization: `Bearer ${servedToken}` };
  const answer = await fetch(`${server.adminUrl}${path}`, { headers });
  expect(answer.status).toBe(200);
  return answer.text();
};

const scrape = async (): Promise<Exposition> => parseExposition(await admin("/metrics"));
const state = async (): Promise<ConsoleState> => JSON.parse(await admin("/console/state")) as ConsoleState;

/** Samples that must not fall: those of counters and histograms. */
async function risingSamples(): Promise<ReadonlyMap<string, number>> {
  const isRising = (line: string): boolean =>
    Object.entries(metricTable).some(([name, { type }]) => type !== "gauge" && line.startsWith(name));
  const lines = (await admin("/metrics")).split("\n").filter(isRising);
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(" ");
      return [line.slice(0, end), Number(line.slice(end))];
    }),
  );
}

/** What fell from one scrape to the next. */
const fallen = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): readonly string[] =>
  [...before].filter(([sample, value]) => !((after.get(sample) ?? -1) >= value)).map(([sample]) => sample);

/** Memory of a process that is in RAM, as the system sees it. */
const memoryOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;

beforeAll(async () => {
  tenant = await startNamedTenant();
  server = await startServedProxy({
    tenantOrigin: tenant.origin,
    more: "workers: 2\ntimeouts: { drainDelay: 10s, drain: 10s }",
  });
  while (workersOf("session.created").size < 2) await ask(4);
});

afterAll(async () => {
  await server.close();
  await tenant.close();
});

describe("two workers", () => {
  test("are one sum in GET /metrics, which has every metric and every exchange of both", async () => {
    expect((await server.ask(me, { user: null })).status).toBe(401);
    await expect.poll(async () => (await scrape()).value(exchanges)).toBe(users);
    const metrics = await scrape();
    expect([...metrics.types]).toEqual(Object.entries(metricTable).map(([name, { type }]) => [name, type]));
    for (const sample of [
      'qsp_exchange_seconds_count{route="rest"}',
      'qsp_exchange_seconds_bucket{route="rest",le="+Inf"}',
    ])
      expect(metrics.value(sample)).toBe(users + 1);
    for (const sample of [
      'qsp_upstream_seconds_count{route="rest"}',
      'qsp_logins_total{outcome="ok"}',
      "qsp_login_seconds_count",
      "qsp_sessions",
    ])
      expect([sample, metrics.value(sample)]).toEqual([sample, users]);
    expect(metrics.value('qsp_denied_total{code="QSP-UNAUTHENTICATED"}')).toBe(1);
    expect(metrics.value("qsp_store_reachable")).toBe(1);
    expect([metrics.value("qsp_draining"), metrics.value("qsp_logins_held_back")]).toEqual([0, 0]);
  });

  test("have the memory and the time of all processes, and the start of the first", async () => {
    const pids = [server.command.pid, ...childrenOf(server.command.pid)];
    expect(pids).toHaveLength(3);
    const inRam = pids.map(memoryOf).reduce((sum, each) => sum + each, 0);
    const metrics = await scrape();
    const share = metrics.value("process_resident_memory_bytes") / inRam;
    expect(share).toBeGreaterThan(0.8);
    expect(share).toBeLessThan(1.25);
    const { startedAt, process, stats } = await state();
    expect(metrics.value("process_start_time_seconds")).toBeCloseTo(startedAt / 1000, 2);
    expect(process.cpu).toBeGreaterThanOrEqual(metrics.value("process_cpu_seconds_total"));
    expect(stats.sessions).toBe(users);
  });

  test("are one console: events of both, points of both, and nobody's name", async () => {
    const created = async (): Promise<number> =>
      (await state()).events.filter(({ event }) => event === "session.created").length;
    await expect.poll(created).toBe(users);
    const total = async (): Promise<number> =>
      (await state()).points
        .flatMap(({ requests }) => requests)
        .reduce((sum, perSecond) => sum + perSecond * 2, 0);
    await expect
      .poll(async () => Math.round(await total()), { timeout: 10_000 })
      .toBeGreaterThan(users * 0.8);
    const { readiness, tenant: origin, events } = await state();
    expect([readiness, origin]).toEqual(["ready", tenant.origin]);
    const ids = events.map(({ id }) => id);
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    expect(JSON.stringify(await state())).not.toContain("person-of-note");
  });

  test("no counter falls when one of them dies, and its sockets are not counted any more", async () => {
    const open = Array.from({ length: 8 }, () =>
      testSocket(`${server.url.replace("http", "ws")}/qlik/app/a`, servedHeaders("ann")),
    );
    await Promise.all(open.map(({ ws }) => once(ws, "open")));
    const before = await risingSamples();
    expect((await scrape()).value("qsp_sockets")).toBe(open.length);
    const [victim = 0] = childrenOf(server.command.pid);
    process.kill(victim, "SIGKILL");
    const replaced = server.command.line((text) => text.includes('"worker.replaced"'));
    let last = before;
    for (let isBack = false; !isBack;) {
      isBack = await Promise.race([replaced.then(() => true), admin("/health/live").then(() => false)]);
      const now = await risingSamples();
      expect(fallen(last, now)).toEqual([]);
      last = now;
    }
    expect(last.get(exchanges)).toBe(before.get(exchanges));
    await ask(6);
    await expect
      .poll(async () => (await risingSamples()).get(exchanges))
      .toBe((before.get(exchanges) ?? 0) + 6);
    const told = (await state()).events.map(({ event }) => event);
    expect(told).toEqual(expect.arrayContaining(["worker.died", "worker.replaced"]));
    const { size } = new Set(childrenOf(server.command.pid));
    expect(size).toBe(2);
    for (const { ws } of open) ws.terminate();
    await expect.poll(async () => (await scrape()).value("qsp_sockets")).toBe(0);
  });

  test("say that they drain, and count until the end", async () => {
    const waiting = new Promise<ServerResponse>((resolve) => {
      tenant.onCall(({ url, response }) => {
        if (url !== "/api/v1/items/slow") return true;
        resolve(response);
        return false;
      });
    });
    const slow = server.ask("/api/v1/items/slow");
    const response = await waiting;
    const before = await risingSamples();
    server.command.signal("SIGTERM");
    await server.command.line((text) => text.includes('"server.draining"'));
    await expect.poll(async () => (await scrape()).value("qsp_draining")).toBe(1);
    expect(fallen(before, await risingSamples())).toEqual([]);
    response.setHeader("content-type", "text/plain").end("done");
    expect((await slow).text).toBe("done");
    expect(await server.command.ended).toBe(0);
    expect(server.command.complaints()).toBe("");
  });
});
