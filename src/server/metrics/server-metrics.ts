import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { STATUS_CODES } from "node:http";
import { errorTable } from "../../errors.ts";
import type { ProxyEvent } from "../../kernel/channels.ts";
import type { ChannelName } from "../../kernel/events.ts";
import type { SessionProxyStats } from "../../proxy/session-proxy.ts";
import { Counter, Family, Histogram } from "./instruments.ts";
import { type CounterName, type HistogramName, metricTable } from "./metric-table.ts";
import type { CountedName, Readings, Series, Snapshot } from "./snapshot.ts";

const channelNames: readonly ChannelName[] = ["exchange", "session", "login", "socket", "store"];

/** What passes through us has one of these classes; "own" is also what was refused before its class was known. */
export const routeClasses = ["rest", "engine", "static", "page", "own"] as const;

/** Any other method is counted as "other": a label has a closed list of values. */
const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** The instruments of one class of routes, at hand. Earned by: bench 200B. */
interface RouteInstruments {
  readonly route: string;
  readonly seconds: Histogram;
  readonly upstream: Histogram;
  /** By method, as it was sent, and status. */
  readonly counters: Map<string, Map<number, Counter>>;
}

/** Methods of one class that are remembered as they were sent; whoever sends ever new ones gets no more. */
const mostMethods = 20;

/** Counts what the proxy tells of, for as long as it is not closed. */
export class ServerMetrics implements Readings {
  readonly #counters: Readonly<Record<CountedName, Family<Counter>>> = {
    qsp_exchanges_total: counterFamily("qsp_exchanges_total"),
    qsp_sockets_closed_total: counterFamily("qsp_sockets_closed_total"),
    qsp_logins_total: counterFamily("qsp_logins_total"),
    qsp_renewals_total: counterFamily("qsp_renewals_total"),
    qsp_replays_total: counterFamily("qsp_replays_total"),
    qsp_denied_total: counterFamily("qsp_denied_total"),
  };
  readonly #histograms: Readonly<Record<HistogramName, Family<Histogram>>> = {
    qsp_exchange_seconds: histogramFamily("qsp_exchange_seconds"),
    qsp_upstream_seconds: histogramFamily("qsp_upstream_seconds"),
    qsp_login_seconds: histogramFamily("qsp_login_seconds"),
    qsp_lock_wait_seconds: histogramFamily("qsp_lock_wait_seconds"),
    qsp_store_seconds: histogramFamily("qsp_store_seconds"),
  };
  /** What is going on now. */
  readonly #stats: () => SessionProxyStats;
  readonly #routes = new Map<string, RouteInstruments>();
  readonly #own: RouteInstruments;
  readonly #listener = (message: unknown): void => this.#hear(message as ProxyEvent);

  /** `stats`: of the proxy whose events are counted; there is one in a process. */
  constructor(stats: () => SessionProxyStats) {
    this.#stats = stats;
    for (const route of routeClasses) this.#routes.set(route, this.#instrumentsOf(route));
    this.#own = this.#routes.get("own") as RouteInstruments;
    this.#begin();
    for (const name of channelNames) subscribe(`qsp:${name}`, this.#listener);
  }

  /** Everything, as it is now. */
  read(): Snapshot {
    const { user, system } = process.cpuUsage();
    return {
      counters: readEach(this.#counters, ({ value }) => value),
      histograms: readEach(this.#histograms, ({ counts, sum }) => ({ counts: [...counts], sum })),
      stats: this.#stats(),
      process: {
        startedAt: performance.timeOrigin,
        memory: process.memoryUsage.rss(),
        cpu: (user + system) / 1e6,
      },
    };
  }

  close(): void {
    for (const name of channelNames) unsubscribe(`qsp:${name}`, this.#listener);
  }

  /** What has not happened yet is there with 0, or its first time would not count as a rise. */
  #begin(): void {
    const counters = this.#counters;
    const histograms = this.#histograms;
    for (const code of Object.keys(errorTable)) counters.qsp_denied_total.of(code);
    for (const outcome of ["succeeded", "refused", "failed"]) counters.qsp_replays_total.of(outcome);
    counters.qsp_logins_total.of("ok");
    counters.qsp_renewals_total.of("ok");
    counters.qsp_sockets_closed_total.of("peers");
    histograms.qsp_login_seconds.of();
    histograms.qsp_lock_wait_seconds.of();
    for (const operation of ["read", "write"])
      for (const outcome of ["ok", "failed"]) histograms.qsp_store_seconds.of(operation, outcome);
  }

  #instrumentsOf(route: string): RouteInstruments {
    return {
      route,
      seconds: this.#histograms.qsp_exchange_seconds.of(route),
      upstream: this.#histograms.qsp_upstream_seconds.of(route),
      counters: new Map(),
    };
  }

  #hear(event: ProxyEvent): void {
    const counters = this.#counters;
    const histograms = this.#histograms;
    const { outcome = "", ms = 0 } = event;
    switch (event.event) {
      case "exchange.finished":
      case "socket.opened":
      case "socket.refused":
        return this.#countExchange(event);
      case "exchange.replayed":
        return count(counters.qsp_replays_total, outcome);
      case "socket.closed":
        return count(counters.qsp_sockets_closed_total, event.reason ?? "");
      case "login.succeeded":
      case "login.refused":
        count(counters.qsp_logins_total, outcome);
        return histograms.qsp_login_seconds.of().observe(ms);
      case "session.renewed":
      case "session.renewalFailed":
        return count(counters.qsp_renewals_total, outcome);
      case "lease.awaited":
        return histograms.qsp_lock_wait_seconds.of().observe(ms);
      case "store.called":
        return histograms.qsp_store_seconds.of(event.operation ?? "", outcome).observe(ms);
      default:
    }
  }

  #countExchange({ route = "own", method = "GET", status, ms, upstreamMs, code }: ProxyEvent): void {
    // A connection that was cut off without a word has had no answer.
    if (status === undefined) return;
    const instruments = this.#routes.get(route) ?? this.#own;
    if (ms !== undefined) instruments.seconds.observe(ms);
    if (upstreamMs !== undefined) instruments.upstream.observe(upstreamMs);
    this.#counterOf(instruments, method, status).value += 1;
    // Who has left was not refused anything.
    if (code !== undefined && status !== 499) count(this.#counters.qsp_denied_total, String(code));
  }

  #counterOf({ route, counters }: RouteInstruments, method: string, status: number): Counter {
    const known = counters.get(method)?.get(status);
    if (known !== undefined) return known;
    const labels = [route, methods.has(method) ? method : "other", statusLabel(status)] as const;
    const counter = this.#counters.qsp_exchanges_total.of(...labels);
    const ofMethod = counters.get(method) ?? new Map<number, Counter>();
    if (counters.size < mostMethods) counters.set(method, ofMethod.set(status, counter));
    return counter;
  }
}

function readEach<Name extends string, Instrument, Value>(
  families: Readonly<Record<Name, Family<Instrument>>>,
  valueOf: (instrument: Instrument) => Value,
): Readonly<Record<Name, readonly Series<Value>[]>> {
  const read = Object.entries<Family<Instrument>>(families).map(
    ([name, family]) => [name, family.read(valueOf)] as const,
  );
  return Object.fromEntries(read) as unknown as Readonly<Record<Name, readonly Series<Value>[]>>;
}

function counterFamily(name: CounterName): Family<Counter> {
  return new Family(metricTable[name].labels, () => new Counter());
}

function histogramFamily(name: HistogramName): Family<Histogram> {
  return new Family(metricTable[name].labels, () => new Histogram());
}

const count = (family: Family<Counter>, value: string): void => {
  family.of(value).value += 1;
};

/** A tenant may send any number; those that nobody has registered are counted by their class. */
const statusLabel = (status: number): string =>
  STATUS_CODES[status] !== undefined || status === 499 ? String(status) : `${Math.floor(status / 100)}xx`;
