import { STATUS_CODES } from "node:http";
import { errorTable } from "../../errors.ts";
import type { ProxyEvent } from "../../kernel/channels.ts";
import { Counter, Family, Histogram } from "./instruments.ts";
import { type CounterName, type HistogramName, metricTable } from "./metric-table.ts";
import type { CountedName, Series, Snapshot } from "./snapshot.ts";

/** What passes through us has one of these classes; "own" is also what was refused before its class was known. */
export const routeClasses = ["rest", "engine", "static", "page", "own"] as const;

const isRouteClass = (route: string): boolean => (routeClasses as readonly string[]).includes(route);

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

/** What is counted of one tenant, or of all. */
export class Counts {
  readonly #counters: Readonly<Record<CountedName, Family<Counter>>>;
  readonly #histograms: Readonly<Record<HistogramName, Family<Histogram>>>;
  readonly #routes = new Map<string, RouteInstruments>();

  /** `tenant`: its name; null for what is no tenant's. */
  constructor(tenant: string | null) {
    const counter = (name: CounterName): Family<Counter> =>
      new Family(metricTable[name].labels, () => new Counter(), tenant);
    const histogram = (name: HistogramName): Family<Histogram> =>
      new Family(metricTable[name].labels, () => new Histogram(), tenant);
    this.#counters = {
      qsp_exchanges_total: counter("qsp_exchanges_total"),
      qsp_sockets_closed_total: counter("qsp_sockets_closed_total"),
      qsp_logins_total: counter("qsp_logins_total"),
      qsp_renewals_total: counter("qsp_renewals_total"),
      qsp_replays_total: counter("qsp_replays_total"),
      qsp_denied_total: counter("qsp_denied_total"),
    };
    this.#histograms = {
      qsp_exchange_seconds: histogram("qsp_exchange_seconds"),
      qsp_upstream_seconds: histogram("qsp_upstream_seconds"),
      qsp_login_seconds: histogram("qsp_login_seconds"),
      qsp_lock_wait_seconds: histogram("qsp_lock_wait_seconds"),
      qsp_store_seconds: histogram("qsp_store_seconds"),
    };
  }

  /** As it is now. */
  read(): Pick<Snapshot, "counters" | "histograms"> {
    return {
      counters: readEach(this.#counters, ({ value }) => value),
      histograms: readEach(this.#histograms, ({ counts, sum }) => ({ counts: [...counts], sum })),
    };
  }

  /** What has not happened yet is there with 0, or its first time would not count as a rise. */
  begin(): void {
    const counters = this.#counters;
    const histograms = this.#histograms;
    for (const route of routeClasses) this.#instrumentsOf(route);
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
    const known = this.#routes.get(route);
    if (known !== undefined) return known;
    const instruments: RouteInstruments = {
      route,
      seconds: this.#histograms.qsp_exchange_seconds.of(route),
      upstream: this.#histograms.qsp_upstream_seconds.of(route),
      counters: new Map(),
    };
    this.#routes.set(route, instruments);
    return instruments;
  }

  hear(event: ProxyEvent): void {
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
    const instruments = this.#routes.get(route) ?? this.#instrumentsOf(isRouteClass(route) ? route : "own");
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

const count = (family: Family<Counter>, value: string): void => {
  family.of(value).value += 1;
};

/** A tenant may send any number; those that nobody has registered are counted by their class. */
const statusLabel = (status: number): string =>
  STATUS_CODES[status] !== undefined || status === 499 ? String(status) : `${Math.floor(status / 100)}xx`;
