import type { SessionProxyStats } from "../../proxy/session-proxy.ts";
import { bucketBounds, tenantLabel } from "./instruments.ts";
import { type MetricName, metricTable } from "./metric-table.ts";
import type { Distribution, Series, Snapshot } from "./snapshot.ts";

/** What is known of a metric at the moment: one number, or one value for each combination of labels. */
type Reading = number | readonly Series<number | Distribution>[];

/** The type of what {@link formatMetrics} makes: version 0.0.4 of the text format of Prometheus. */
export const metricsType = "text/plain; version=0.0.4; charset=utf-8";

/** Writes metrics down for whoever scrapes them. */
export function formatMetrics(snapshot: Snapshot): string {
  const readings = readingsOf(snapshot);
  const lines: string[] = [];
  for (const [name, { type, help }] of Object.entries(metricTable)) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    const reading = readings[name as MetricName];
    if (typeof reading === "number") lines.push(`${name} ${reading}`);
    else {
      for (const { labels, value } of reading) {
        if (typeof value === "number") lines.push(sample(name, labels, value));
        else addHistogram(lines, { name, labels }, value);
      }
    }
  }
  return `${lines.join("\n")}\n`;
}

function readingsOf({
  counters,
  histograms,
  stats,
  tenants,
  process,
}: Snapshot): Readonly<Record<MetricName, Reading>> {
  const all = tenants.length === 0 ? [{ name: null, stats }] : tenants;
  const each = (
    of: (stats: SessionProxyStats) => number,
    ...labels: readonly string[]
  ): readonly Series<number>[] =>
    all.map(({ name, stats: own }) => ({
      labels: (name === null ? labels : [...labels, tenantLabel(name)]).join(","),
      values: [],
      value: of(own),
    }));
  const bytes = (direction: "down" | "up"): readonly Series<number>[] =>
    each(({ socketBytes }) => socketBytes[direction], `direction="${direction}"`);
  return {
    ...counters,
    ...histograms,
    qsp_sockets: each(({ sockets }) => sockets),
    qsp_sessions: each(({ sessions }) => sessions),
    qsp_socket_bytes_total: [...bytes("down"), ...bytes("up")],
    qsp_in_flight: each(({ inFlight }) => inFlight),
    qsp_upstream_connections: each(({ upstream }) => upstream.connections),
    qsp_upstream_connections_opened_total: each(({ upstream }) => upstream.opened),
    qsp_upstream_requests_total: each(({ upstream }) => upstream.requests),
    qsp_store_reachable: each(({ storeReachable }) => Number(storeReachable)),
    qsp_logins_held_back: each(({ loginsHeldBack }) => Number(loginsHeldBack)),
    qsp_draining: Number(stats.draining),
    process_cpu_seconds_total: process.cpu,
    process_resident_memory_bytes: process.memory,
    process_start_time_seconds: process.startedAt / 1000,
  };
}

function addHistogram(
  lines: string[],
  { name, labels }: { readonly name: string; readonly labels: string },
  { counts, sum }: Distribution,
): void {
  let total = 0;
  for (const [index, count] of counts.entries()) {
    total += count;
    const bound = bucketBounds[index];
    const le = `le="${bound === undefined ? "+Inf" : bound / 1000}"`;
    lines.push(sample(`${name}_bucket`, labels === "" ? le : `${labels},${le}`, total));
  }
  lines.push(sample(`${name}_sum`, labels, sum / 1000), sample(`${name}_count`, labels, total));
}

const sample = (name: string, labels: string, value: number): string =>
  labels === "" ? `${name} ${value}` : `${name}{${labels}} ${value}`;
