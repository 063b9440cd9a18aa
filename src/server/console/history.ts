import { routeClasses } from "../metrics/server-metrics.ts";
import type { Distribution, Readings, Series, Snapshot } from "../metrics/snapshot.ts";
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

/** Where they stand before anything was counted. */
const beginning: Standing = { requests: [], errors: [], tenant: [], login: [], bytes: { down: 0, up: 0 } };

/** Remembers how the last minutes went, so that a console that is opened now can show them. */
export class History {
  readonly #readings: Readings;
  readonly #now: () => number;
  readonly #points: Point[] = [];
  readonly #timer: NodeJS.Timeout;
  #before: { readonly at: number; readonly standing: Standing };
  #isReading = false;

  /** `readings`: of what nothing was counted yet. */
  constructor(readings: Readings, now: () => number) {
    this.#readings = readings;
    this.#now = now;
    this.#before = { at: now(), standing: beginning };
    this.#timer = setInterval(() => void this.#take(), pointEvery).unref();
  }

  /** The points after a moment. */
  since(at: number): readonly Point[] {
    return this.#points.filter((point) => point.at > at);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** What cannot be read now is in the next point. */
  async #take(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      this.#add(await this.#readings.read());
    } catch {
      // Whoever asks for the readings is told.
    } finally {
      this.#isReading = false;
    }
  }

  #add(snapshot: Snapshot): void {
    const at = this.#now();
    const { at: then, standing: before } = this.#before;
    const standing = standingOf(snapshot);
    this.#before = { at, standing };
    // The clock was set back: what a second was is not known.
    if (at <= then) return;
    const { sessions, sockets } = snapshot.stats;
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

function standingOf({ counters, histograms, stats }: Snapshot): Standing {
  const requests = routeClasses.map(() => 0);
  const errors = routeClasses.map(() => 0);
  for (const { values, value } of counters.qsp_exchanges_total) {
    const [route, , status = ""] = values;
    const index = routeClasses.findIndex((each) => each === route);
    requests[index] = (requests[index] ?? 0) + value;
    if (status >= "4" && status !== "499") errors[index] = (errors[index] ?? 0) + value;
  }
  return {
    requests,
    errors,
    tenant: totalOf(histograms.qsp_upstream_seconds),
    login: totalOf(histograms.qsp_login_seconds),
    bytes: stats.socketBytes,
  };
}

function totalOf(series: readonly Series<Distribution>[]): readonly number[] {
  const total: number[] = [];
  for (const { value } of series)
    for (const [index, count] of value.counts.entries()) total[index] = (total[index] ?? 0) + count;
  return total;
}

const rise = (after: readonly number[], before: readonly number[]): readonly number[] =>
  after.map((value, index) => value - (before[index] ?? 0));
