import type { SessionProxyStats } from "../../proxy/session-proxy.ts";
import { parseQuery } from "../admin-order.ts";
import { type AdminAnswer, malformed } from "../admin-answer.ts";
import { routeClasses } from "../metrics/server-metrics.ts";
import type { Readings } from "../metrics/snapshot.ts";
import { History, type Point, pointEvery } from "./history.ts";
import type { RecentEvent, RecentEvents } from "./recent-events.ts";

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
  readonly readings: Readings;
  readonly events: RecentEvents;
  readonly tenant: string;
  readonly readiness: () => string | Promise<string>;
  readonly now: () => number;
}

/** What the console shows of the last minutes. */
export class Console {
  readonly #options: ConsoleOptions;
  readonly #history: History;

  constructor(options: ConsoleOptions) {
    this.#options = options;
    this.#history = new History(options.readings, options.now);
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
  }

  async #state(point: number, event: number): Promise<ConsoleState> {
    const { readings, events, tenant, readiness, now } = this.#options;
    const [status, snapshot] = await Promise.all([readiness(), readings.read()]);
    const { startedAt, memory, cpu } = snapshot.process;
    return {
      now: now(),
      startedAt: Math.round(startedAt),
      tenant,
      readiness: status,
      stats: snapshot.stats,
      process: { memory, cpu },
      routeClasses,
      pointEvery,
      points: this.#history.since(point),
      events: events.since(event),
    };
  }
}
