import { describe, expect, test } from "vitest";
import type { SessionProxyStats } from "../../proxy/session-proxy.ts";
import { ServerMetrics } from "./server-metrics.ts";
import { addSnapshots, idleStats, remainsOf, type Snapshot } from "./snapshot.ts";

/** A process that has counted nothing but what is given. */
function snapshotOf(stats: Partial<SessionProxyStats>, logins: readonly [string, number][]): Snapshot {
  const metrics = new ServerMetrics(() => ({ ...idleStats, ...stats }));
  const { counters, histograms } = metrics.read();
  metrics.close();
  return {
    counters: {
      ...counters,
      qsp_logins_total: logins.map(([outcome, value]) => ({
        labels: `outcome="${outcome}"`,
        values: [outcome],
        value,
      })),
    },
    histograms: {
      ...histograms,
      qsp_login_seconds: [{ labels: "", values: [], value: { counts: [1, 2], sum: 30 } }],
    },
    stats: { ...idleStats, ...stats },
    tenants: [],
    process: { startedAt: logins.length, memory: 100, cpu: 2 },
  };
}

const upstream = { connections: 2, opened: 5, requests: 9 };
const busy = { sessions: 3, sockets: 2, inFlight: 1, socketBytes: { down: 10, up: 20 }, upstream };

describe("addSnapshots", () => {
  const sum = addSnapshots(
    snapshotOf(busy, [["ok", 4]]),
    snapshotOf(busy, [
      ["QSP-UPSTREAM", 1],
      ["ok", 2],
    ]),
  );

  test("adds up by labels, whichever process has them", () => {
    expect(sum.counters.qsp_logins_total.map(({ labels, value }) => [labels, value])).toEqual([
      ['outcome="ok"', 6],
      ['outcome="QSP-UPSTREAM"', 1],
    ]);
    expect(sum.histograms.qsp_login_seconds[0]?.value).toEqual({ counts: [2, 4], sum: 60 });
    expect(sum.process).toEqual({ startedAt: 1, memory: 200, cpu: 4 });
    expect(sum.stats).toEqual({
      ...idleStats,
      sessions: 6,
      sockets: 4,
      inFlight: 2,
      socketBytes: { down: 20, up: 40 },
      upstream: { connections: 4, opened: 10, requests: 18 },
    });
  });

  test.each<[keyof SessionProxyStats, boolean]>([
    ["draining", true],
    ["loginsHeldBack", true],
    ["storeReachable", false],
  ])("%s is %s for all where it is for one", (name, worst) => {
    const [well, bad] = [snapshotOf({}, []), snapshotOf({ [name]: worst }, [])];
    for (const all of [
      [well, bad],
      [bad, well],
    ] as const)
      expect(addSnapshots(...all).stats[name]).toBe(worst);
    expect(addSnapshots(well, well).stats[name]).toBe(!worst);
  });
});

test("of a process that has ended, what only goes up stays, and nothing else", () => {
  const last = snapshotOf({ ...busy, draining: true, loginsHeldBack: true, storeReachable: false }, [
    ["ok", 4],
  ]);
  const remains = remainsOf(last);
  expect([remains.counters, remains.histograms]).toEqual([last.counters, last.histograms]);
  expect(remains.process).toMatchObject({ memory: 0, cpu: 2 });
  expect(remains.stats).toEqual({
    ...idleStats,
    socketBytes: busy.socketBytes,
    upstream: { connections: 0, opened: 5, requests: 9 },
  });
});
