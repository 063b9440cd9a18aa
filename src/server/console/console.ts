import type { SessionProxyStats } from "../../proxy/session-proxy.ts";
import { parseQuery } from "../admin-order.ts";
import { type AdminAnswer, malformed } from "../admin-answer.ts";
import { routeClasses, type ServerMetrics } from "../metrics/server-metrics.ts";
import { History, type Point, pointEvery } from "./history.ts";
import { type RecentEvent, RecentEvents } from "./recent-events.ts";

/** What the console is told each time it asks. */
export interface ConsoleState {
  /** Milliseconds since the Unix epoch, as all times here. */
  readonly now: number;
  readonly startedAt: number;
  readonly tenant: string;
  /** What `GET /health/ready` says. */
  readonly readiness: string;
  readonly stats: SessionProxyStats;
  /** Bytes in RAM, and CPU time so far in seconds. */
  readonly process: { readonly memory: number; readonly cpu: number };
  readonly routeClasses: readonly string[];
  readonly pointEvery: number;
  readonly points: readonly Point[];
  readonly events: readonly RecentEvent[];
}

/** What the console is made from. */
export interface ConsoleOptions {
  readonly metrics: ServerMetrics;
  readonly tenant: string;
  readonly readiness: () => string | Promise<string>;
  readonly now: () => number;
}

/** What the console shows of the last minutes. */
export class Console {
  readonly #options: ConsoleOptions;
  readonly #history: History;
  readonly #events: RecentEvents;

  constructor(options: ConsoleOptions) {
    this.#options = options;
    this.#history = new History(options.metrics, options.now);
    this.#events = new RecentEvents(options.now);
  }

  /** Answers `GET /console/state`: what came after the last point and the last event that the page has. */
  async answer(queryText: string): Promise<AdminAnswer> {
    const { point = "0", event = "0" } = parseQuery(queryText, ["point", "event"]);
    if (!/^\d{1,15}$/.test(point) || !/^\d{1,15}$/.test(event))
      throw malformed("point and event must be numbers");
    return { status: 200, body: await this.#state(Number(point), Number(event)) };
  }

  close(): void {
    this.#history.close();
    this.#events.close();
  }

  async #state(point: number, event: number): Promise<ConsoleState> {
    const { metrics, tenant, readiness, now } = this.#options;
    const { user, system } = process.cpuUsage();
    return {
      now: now(),
      startedAt: Math.round(performance.timeOrigin),
      tenant,
      readiness: await readiness(),
      stats: metrics.stats(),
      process: { memory: process.memoryUsage.rss(), cpu: (user + system) / 1e6 },
      routeClasses,
      pointEvery,
      points: this.#history.since(point),
      events: this.#events.since(event),
    };
  }
}
