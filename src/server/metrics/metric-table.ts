/** Every metric: a closed table, from which docs/reference/metrics.md is written. product B8 */

export type CounterName =
  | "qsp_exchanges_total"
  | "qsp_sockets_closed_total"
  | "qsp_socket_bytes_total"
  | "qsp_logins_total"
  | "qsp_renewals_total"
  | "qsp_replays_total"
  | "qsp_denied_total"
  | "qsp_upstream_requests_total"
  | "qsp_upstream_connections_opened_total"
  | "process_cpu_seconds_total";

export type HistogramName =
  | "qsp_exchange_seconds"
  | "qsp_upstream_seconds"
  | "qsp_login_seconds"
  | "qsp_lock_wait_seconds"
  | "qsp_store_seconds";

export type GaugeName =
  | "qsp_sockets"
  | "qsp_sessions"
  | "qsp_in_flight"
  | "qsp_upstream_connections"
  | "qsp_store_reachable"
  | "qsp_logins_held_back"
  | "qsp_draining"
  | "process_resident_memory_bytes"
  | "process_start_time_seconds";

export type MetricName = CounterName | HistogramName | GaugeName;

/** What is fixed about a metric. */
export interface MetricRow {
  readonly type: "counter" | "histogram" | "gauge";
  readonly labels: readonly string[];
  /** One line, for the text that is scraped and for the document. */
  readonly help: string;
}

const row = (type: MetricRow["type"], labels: readonly string[], help: string): MetricRow => ({
  type,
  labels,
  help,
});

/** Every metric, in the order in which they are written. */
export const metricTable: Readonly<Record<MetricName, MetricRow>> = {
  qsp_exchanges_total: row(
    "counter",
    ["route", "method", "status"],
    "Requests and handshakes that were answered, also those refused; status 499 where the browser had left.",
  ),
  qsp_exchange_seconds: row(
    "histogram",
    ["route"],
    "Time from the head of a request to the end of its answer; of a WebSocket, to its 101.",
  ),
  qsp_upstream_seconds: row(
    "histogram",
    ["route"],
    "Time from sending a request to the tenant to the head of the answer that the browser saw.",
  ),
  qsp_sockets: row("gauge", [], "WebSockets that are open."),
  qsp_sockets_closed_total: row(
    "counter",
    ["reason"],
    "WebSockets that have ended: why we closed them, or peers where browser and tenant did.",
  ),
  qsp_socket_bytes_total: row(
    "counter",
    ["direction"],
    "Bytes over WebSockets: down to browsers, up to the tenant.",
  ),
  qsp_sessions: row("gauge", [], "Sessions at hand."),
  qsp_logins_total: row("counter", ["outcome"], "Logins at the tenant: ok, or the code of the error."),
  qsp_login_seconds: row("histogram", [], "Time of a login at the tenant, also of one that failed."),
  qsp_renewals_total: row(
    "counter",
    ["outcome"],
    "Renewals of tenant sessions, with a login each: ok, or the code of the error.",
  ),
  qsp_replays_total: row(
    "counter",
    ["outcome"],
    "Requests that were sent more than once: succeeded, refused (401 or 403 again), failed (no answer).",
  ),
  qsp_lock_wait_seconds: row(
    "histogram",
    [],
    "Time that a login waited for the lease of its session, which one node has at a time.",
  ),
  qsp_store_seconds: row(
    "histogram",
    ["operation", "outcome"],
    "Time of a call of the session store; conflict means that another node wrote first.",
  ),
  qsp_denied_total: row(
    "counter",
    ["code"],
    "Requests and handshakes that were answered with an error of ours.",
  ),
  qsp_in_flight: row("gauge", [], "Requests and handshakes under way."),
  qsp_upstream_connections: row("gauge", [], "Connections to the tenant that are open, WebSockets aside."),
  qsp_upstream_connections_opened_total: row(
    "counter",
    [],
    "Connections to the tenant that were opened, WebSockets aside.",
  ),
  qsp_upstream_requests_total: row(
    "counter",
    [],
    "Requests over those connections; the share that found one open is 1 - opened / requests.",
  ),
  qsp_store_reachable: row("gauge", [], "1 while the session store answers, else 0."),
  qsp_logins_held_back: row("gauge", [], "1 while the tenant refuses or throttles every login, else 0."),
  qsp_draining: row("gauge", [], "1 while the server lets its work end, else 0."),
  process_cpu_seconds_total: row("counter", [], "CPU time of the process, user and system."),
  process_resident_memory_bytes: row("gauge", [], "Memory of the process that is in RAM."),
  process_start_time_seconds: row("gauge", [], "When the process started, since the Unix epoch."),
};
