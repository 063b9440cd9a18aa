import type { Family, Histogram } from "../metrics/instruments.ts";
import { routeClasses, type ServerMetrics } from "../metrics/server-metrics.ts";
import { quantile } from "./quantile.ts";

/** How often a point is made. Milliseconds. */
export const pointEvery = 2000;

/** How many are kept: a quarter of an hour. */
const mostPoints = 450;

/** What happened between two moments; lists are in the order of the route classes, and per second. */
export interface Point {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly requests: readonly number[];
  /** Statuses from 400 on, but for 499. */
  readonly errors: readonly number[];
  readonly sessions: number;
  readonly sockets: number;
  /** Bytes over WebSockets, per second: to browsers, and to the tenant. */
  readonly down: number;
  readonly up: number;
  /** Logins, those that failed too. */
  readonly logins: number;
  /** Milliseconds; null where there was nothing. */
  readonly tenant50: number | null;
  readonly tenant95: number | null;
  readonly login50: number | null;
  readonly login95: number | null;
}

/** Where the counters stand. */
interface Standing {
  readonly requests: readonly number[];
  readonly errors: readonly number[];
  readonly tenant: readonly number[];
  readonly login: readonly number[];
  readonly bytes: { readonly down: number; readonly up: number };
}

/** Remembers how the last minutes went, so that a console that is opened now can show them. */
export class History {
  readonly #metrics: ServerMetrics;
  readonly #now: () => number;
  readonly #points: Point[] = [];
  readonly #timer: NodeJS.Timeout;
  #before: { readonly at: number; readonly standing: Standing };

  constructor(metrics: ServerMetrics, now: () => number) {
    this.#metrics = metrics;
    this.#now = now;
    this.#before = { at: now(), standing: standingOf(metrics) };
    this.#timer = setInterval(() => this.#add(), pointEvery).unref();
  }

  /** The points after a moment. */
  since(at: number): readonly Point[] {
    return this.#points.filter((point) => point.at > at);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #add(): void {
    const at = this.#now();
    const { at: then, standing: before } = this.#before;
    const standing = standingOf(this.#metrics);
    this.#before = { at, standing };
    // The clock was set back: what a second was is not known.
    if (at <= then) return;
    const { sessions, sockets } = this.#metrics.stats();
    const login = rise(standing.login, before.login);
    const tenant = rise(standing.tenant, before.tenant);
    const { bytes } = standing;
    const perSecond = (count: number): number => Math.round((count * 10_000) / (at - then)) / 10;
    this.#points.push({
      at,
      requests: rise(standing.requests, before.requests).map(perSecond),
      errors: rise(standing.errors, before.errors).map(perSecond),
      sessions,
      sockets,
      down: perSecond(bytes.down - before.bytes.down),
      up: perSecond(bytes.up - before.bytes.up),
      logins: login.reduce((sum, count) => sum + count, 0),
      tenant50: quantile(tenant, 0.5),
      tenant95: quantile(tenant, 0.95),
      login50: quantile(login, 0.5),
      login95: quantile(login, 0.95),
    });
    if (this.#points.length > mostPoints) this.#points.shift();
  }
}

function standingOf({ counters, histograms, stats }: ServerMetrics): Standing {
  const requests = routeClasses.map(() => 0);
  const errors = routeClasses.map(() => 0);
  for (const { values, instrument } of counters.qsp_exchanges_total.members()) {
    const [route, , status = ""] = values;
    const index = routeClasses.findIndex((each) => each === route);
    requests[index] = (requests[index] ?? 0) + instrument.value;
    if (status >= "4" && status !== "499") errors[index] = (errors[index] ?? 0) + instrument.value;
  }
  return {
    requests,
    errors,
    tenant: totalOf(histograms.qsp_upstream_seconds),
    login: totalOf(histograms.qsp_login_seconds),
    bytes: stats().socketBytes,
  };
}

function totalOf(family: Family<Histogram>): readonly number[] {
  const total: number[] = [];
  for (const { instrument } of family.members())
    for (const [index, count] of instrument.counts.entries()) total[index] = (total[index] ?? 0) + count;
  return total;
}

const rise = (after: readonly number[], before: readonly number[]): readonly number[] =>
  after.map((value, index) => value - (before[index] ?? 0));
