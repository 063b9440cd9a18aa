import { channel } from "node:diagnostics_channel";
import { describe, expect, test } from "vitest";
import { metricTable } from "../../src/server/metrics/metric-table.ts";
import { expectTenantError } from "../support/assertions.ts";
import { type Exposition, parseExposition } from "../support/exposition.ts";
import { type AdminWorld, adminWorlds } from "./admin-world.ts";

const world = adminWorlds();

async function scrape({ ask }: AdminWorld): Promise<Exposition> {
  const answer = await ask("GET", "/metrics");
  expect(answer.status).toBe(200);
  return parseExposition(answer.text);
}

/** Every metric that is promised, with its labels. product B8 */
const promised: readonly (readonly [name: string, type: string, labels: readonly string[]])[] = [
  ["qsp_exchanges_total", "counter", ["route", "method", "status"]],
  ["qsp_exchange_seconds", "histogram", ["route"]],
  ["qsp_upstream_seconds", "histogram", ["route"]],
  ["qsp_sockets", "gauge", []],
  ["qsp_sockets_closed_total", "counter", ["reason"]],
  ["qsp_socket_bytes_total", "counter", ["direction"]],
  ["qsp_sessions", "gauge", []],
  ["qsp_logins_total", "counter", ["outcome"]],
  ["qsp_login_seconds", "histogram", []],
  ["qsp_renewals_total", "counter", ["outcome"]],
  ["qsp_replays_total", "counter", ["outcome"]],
  ["qsp_lock_wait_seconds", "histogram", []],
  ["qsp_store_seconds", "histogram", ["operation", "outcome"]],
  ["qsp_denied_total", "counter", ["code"]],
];

describe("GET /metrics", () => {
  test("needs the token, and is text that nobody keeps", async () => {
    const { ask, askUnknown } = await world();
    expectTenantError(await askUnknown("GET", "/metrics"), 401, "QSP-UNAUTHENTICATED");
    const answer = await ask("GET", "/metrics");
    expect(answer.header("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(answer.header("cache-control")).toBe("no-store");
    expect((await ask("HEAD", "/metrics")).text).toBe("");
    expectTenantError(await ask("POST", "/metrics"), 405, "QSP-POLICY");
  });

  test("has every metric that is promised, and only those of the table", async () => {
    const made = await world();
    await made.visit("ann");
    const metrics = await scrape(made);
    for (const [name, type, labels] of promised) {
      expect([name, metrics.types.get(name), metrics.labelsOf(name)]).toEqual([name, type, labels]);
    }
    expect([...metrics.types]).toEqual(Object.entries(metricTable).map(([name, { type }]) => [name, type]));
  });

  test("counts exchanges, logins, sessions, replays and renewals", async () => {
    const made = await world();
    for (const user of ["ann", "ann", "bob"]) expect((await made.visit(user)).status).toBe(200);
    made.tenant.sessions.kill("ann");
    expect((await made.visit("ann")).status).toBe(200);
    made.tenant.users.setStatus("cid", "disabled");
    expect((await made.visit("cid")).status).toBe(403);
    const metrics = await scrape(made);
    const count = (labels: string): number => metrics.value(`qsp_exchanges_total{route="rest",${labels}}`);
    expect([count('method="GET",status="200"'), count('method="GET",status="403"')]).toEqual([4, 1]);
    expect(metrics.value("qsp_sessions")).toBe(2);
    expect(metrics.value('qsp_denied_total{code="QSP-USER-REFUSED"}')).toBe(1);
    expect(metrics.value('qsp_logins_total{outcome="ok"}')).toBe(3);
    expect(metrics.value('qsp_logins_total{outcome="QSP-USER-REFUSED"}')).toBe(1);
    expect(metrics.value("qsp_login_seconds_count")).toBe(4);
    expect(metrics.value('qsp_renewals_total{outcome="ok"}')).toBe(1);
    expect(metrics.value('qsp_replays_total{outcome="succeeded"}')).toBe(1);
    // One lease for each login; nobody had to wait for another node.
    expect(metrics.value("qsp_lock_wait_seconds_count")).toBe(4);
    expect(metrics.value('qsp_exchange_seconds_count{route="rest"}')).toBe(5);
    expect(metrics.value('qsp_upstream_seconds_count{route="rest"}')).toBe(4);
    expect(metrics.value("qsp_upstream_requests_total")).toBeGreaterThanOrEqual(8);
    for (const operation of ["read", "write"]) {
      const calls = `qsp_store_seconds_count{operation="${operation}",outcome="ok"}`;
      expect(metrics.value(calls)).toBeGreaterThan(0);
    }
  });

  test("counts sockets, and the bytes of those that are open too", async () => {
    const made = await world();
    const open = [await made.socket("ann"), await made.socket("bob")];
    open[0]?.ws.send('{"jsonrpc":"2.0","id":1,"method":"EngineVersion","handle":-1,"params":[]}');
    await open[0]?.message((text) => text.includes('"id":1'));
    const before = await scrape(made);
    expect(before.value("qsp_sockets")).toBe(2);
    expect(before.value('qsp_exchanges_total{route="engine",method="GET",status="101"}')).toBe(2);
    expect(before.value('qsp_exchange_seconds_count{route="engine"}')).toBe(2);
    expect(before.value('qsp_upstream_seconds_count{route="engine"}')).toBe(2);
    expect(before.value('qsp_socket_bytes_total{direction="up"}')).toBeGreaterThan(70);
    expect(before.value('qsp_socket_bytes_total{direction="down"}')).toBeGreaterThan(70);
    await made.ask("DELETE", "/sessions?subject=ann");
    open[1]?.ws.close(1000);
    await Promise.all(open.map((socket) => socket.closed));
    await expect.poll(async () => (await scrape(made)).value("qsp_sockets")).toBe(0);
    const after = await scrape(made);
    expect(after.value('qsp_sockets_closed_total{reason="QSP-REVOKED"}')).toBe(1);
    expect(after.value('qsp_sockets_closed_total{reason="peers"}')).toBe(1);
    for (const direction of ["up", "down"]) {
      const sample = `qsp_socket_bytes_total{direction="${direction}"}`;
      expect(after.value(sample)).toBeGreaterThanOrEqual(before.value(sample));
    }
  });

  test("has labels from closed lists, whatever is asked", async () => {
    const made = await world();
    const { browse } = made;
    for (const method of ["PROPFIND", "SEARCH", "MKCOL", "POST", "DELETE"])
      await browse("/api/v1/users/me", "ann", { method });
    for (let index = 0; index < 30; index += 1) await browse(`/api/v1/none-${index}`, "ann");
    made.tenant.fault({ kind: "status", status: 599, path: "/api/v1/users/me", times: 1 });
    expect((await browse("/api/v1/users/me", "ann")).status).toBe(599);
    const metrics = await scrape(made);
    const classes = ["rest", "engine", "static", "page", "own"];
    expect(classes).toEqual(
      expect.arrayContaining([...metrics.valuesOf("qsp_exchanges_total", "route")] as string[]),
    );
    expect(metrics.valuesOf("qsp_exchange_seconds", "route").toSorted()).toEqual(classes.toSorted());
    expect(metrics.valuesOf("qsp_exchanges_total", "method").toSorted()).toEqual(
      ["DELETE", "GET", "POST", "other"].toSorted(),
    );
    expect(metrics.valuesOf("qsp_exchanges_total", "status")).toContain("5xx");
    expect(metrics.value('qsp_denied_total{code="QSP-POLICY"}')).toBe(35);
  });
});

test("of a histogram, each bucket holds those before it, and the last one holds all", async () => {
  const made = await world();
  await made.visit("ann");
  const { text } = await made.ask("GET", "/metrics");
  const buckets = [...text.matchAll(/^qsp_login_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm)];
  const counts = buckets.map(([, , count]) => Number(count));
  expect(buckets.map(([, le]) => le).at(-1)).toBe("+Inf");
  expect(counts.toSorted((one, other) => one - other)).toEqual(counts);
  expect(counts.at(-1)).toBe(1);
  expect(text).toContain("qsp_login_seconds_count 1\n");
});

test("a server that is closed counts nothing any more", async () => {
  const made = await world();
  const listened = ["exchange", "session", "login", "socket", "store"].map((name) => channel(`qsp:${name}`));
  expect(listened.map(({ hasSubscribers }) => hasSubscribers)).toEqual(listened.map(() => true));
  await made.server.close();
  expect(listened.map(({ hasSubscribers }) => hasSubscribers)).toEqual(listened.map(() => false));
});
