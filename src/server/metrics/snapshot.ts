import { addStats } from "../../proxy/add-stats.ts";
import type { SessionProxyStats } from "../../proxy/session-proxy.ts";
import type { CounterName, HistogramName } from "./metric-table.ts";

/** Counters that events go into; the others are read where they are kept. */
export type CountedName = Exclude<
  CounterName,
  `qsp_upstream_${string}` | "qsp_socket_bytes_total" | "process_cpu_seconds_total"
>;

/** One value of a metric. */
export interface Series<Value> {
  /** As they are written: `route="rest",method="GET"`. */
  readonly labels: string;
  /** Of the labels, in their order. */
  readonly values: readonly string[];
  readonly value: Value;
}

/** What a histogram holds: how often by bucket, and the sum of all in milliseconds. */
export interface Distribution {
  readonly counts: readonly number[];
  readonly sum: number;
}

/** What has been counted until a moment, and how things stood then; plain, so that it can pass between processes. */
export interface Snapshot {
  readonly counters: Readonly<Record<CountedName, readonly Series<number>[]>>;
  readonly histograms: Readonly<Record<HistogramName, readonly Series<Distribution>[]>>;
  readonly stats: SessionProxyStats;
  /** The same of each of several tenants; none where there is one. */
  readonly tenants: readonly TenantStats[];
  readonly process: {
    /** Milliseconds since the Unix epoch. */
    readonly startedAt: number;
    /** Bytes in RAM. */
    readonly memory: number;
    /** CPU time so far. Seconds. */
    readonly cpu: number;
  };
}

/** One of several tenants, and how it stands. */
export interface TenantStats {
  readonly name: string;
  readonly stats: SessionProxyStats;
}

/** Where snapshots come from: one process, or several that are one server. */
export interface Readings {
  read(): Snapshot | Promise<Snapshot>;
  /** Stops counting. */
  close(): void;
}

/** How a proxy stands that has nothing to do, and never had. */
export const idleStats: SessionProxyStats = {
  sessions: 0,
  sockets: 0,
  socketBytes: { down: 0, up: 0 },
  inFlight: 0,
  draining: false,
  loginsHeldBack: false,
  storeReachable: true,
  upstream: { connections: 0, opened: 0, requests: 0 },
};

/** What stays of a process that has ended: everything that only goes up. */
export function remainsOf({ stats, tenants, process, ...counted }: Snapshot): Snapshot {
  return {
    ...counted,
    stats: remainingStats(stats),
    tenants: tenants.map((each) => ({ ...each, stats: remainingStats(each.stats) })),
    process: { ...process, memory: 0 },
  };
}

const remainingStats = ({ socketBytes, upstream }: SessionProxyStats): SessionProxyStats => ({
  ...idleStats,
  socketBytes,
  upstream: { ...upstream, connections: 0 },
});

/** Several processes as one. It started when the first of them did; of what is well or is not, the worst holds. */
export function addSnapshots(first: Snapshot, ...others: readonly Snapshot[]): Snapshot {
  return others.reduce(
    (one, other) => ({
      counters: addEach(one.counters, other.counters, (a, b) => a + b),
      histograms: addEach(one.histograms, other.histograms, addDistributions),
      stats: addStats(one.stats, other.stats),
      tenants: addTenants(one.tenants, other.tenants),
      process: {
        startedAt: one.process.startedAt,
        memory: one.process.memory + other.process.memory,
        cpu: one.process.cpu + other.process.cpu,
      },
    }),
    first,
  );
}

type Metrics<Name extends string, Value> = Readonly<Record<Name, readonly Series<Value>[]>>;

function addEach<Name extends string, Value>(
  one: Metrics<Name, Value>,
  other: Metrics<Name, Value>,
  add: (one: Value, other: Value) => Value,
): Metrics<Name, Value> {
  const names = Object.keys(one) as Name[];
  const added = names.map((name) => {
    const byLabels = new Map(one[name].map((series) => [series.labels, series]));
    for (const series of other[name]) {
      const known = byLabels.get(series.labels);
      byLabels.set(series.labels, known ? { ...known, value: add(known.value, series.value) } : series);
    }
    return [name, [...byLabels.values()]] as const;
  });
  return Object.fromEntries(added) as unknown as Metrics<Name, Value>;
}

function addTenants(one: readonly TenantStats[], other: readonly TenantStats[]): readonly TenantStats[] {
  const byName = new Map(one.map(({ name, stats }) => [name, stats]));
  for (const { name, stats } of other) {
    const known = byName.get(name);
    byName.set(name, known ? addStats(known, stats) : stats);
  }
  return [...byName].map(([name, stats]) => ({ name, stats }));
}

const addDistributions = (one: Distribution, other: Distribution): Distribution => ({
  counts: one.counts.map((count, index) => count + (other.counts[index] ?? 0)),
  sum: one.sum + other.sum,
});
