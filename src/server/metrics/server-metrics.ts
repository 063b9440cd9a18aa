import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ProxyEvent } from "../../kernel/channels.ts";
import type { ChannelName } from "../../kernel/events.ts";
import type { SessionProxyStats, CountedTenant } from "../../proxy/session-proxy.ts";
import { Counts } from "./counts.ts";
import type { Readings, Series, Snapshot } from "./snapshot.ts";

const channelNames: readonly ChannelName[] = ["exchange", "session", "login", "socket", "store"];

export { routeClasses } from "./counts.ts";

/** Counts what the proxy tells of, for as long as it is not closed. */
export class ServerMetrics implements Readings {
  /** What is going on now. */
  readonly #stats: () => SessionProxyStats;
  /** Each of several tenants; none where there is one. */
  readonly #tenants: () => readonly CountedTenant[];
  /** What is no tenant's, and everything where there is one. */
  readonly #shared = new Counts(null);
  /** By the origin that events name. */
  readonly #byTenant = new Map<string, Counts>();
  readonly #listener = (message: unknown): void => this.#hear(message as ProxyEvent);

  /** `stats`: of the proxy whose events are counted; there is one in a process. `tenants`: of several, each. */
  constructor(stats: () => SessionProxyStats, tenants: () => readonly CountedTenant[] = () => []) {
    this.#stats = stats;
    this.#tenants = tenants;
    for (const name of channelNames) subscribe(`qsp:${name}`, this.#listener);
  }

  /** Everything, as it is now. */
  read(): Snapshot {
    const { user, system } = process.cpuUsage();
    const tenants = this.#tenants();
    const begun = tenants.length === 0 ? [this.#shared] : tenants.map((each) => this.#of(each));
    for (const each of begun) each.begin();
    const all = [this.#shared, ...this.#byTenant.values()].map((each) => each.read());
    return {
      counters: joined(all.map((each) => each.counters)),
      histograms: joined(all.map((each) => each.histograms)),
      stats: this.#stats(),
      tenants: tenants.map(({ name, stats }) => ({ name, stats: stats() })),
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

  #of({ name, origin }: Pick<CountedTenant, "name" | "origin">): Counts {
    const known = this.#byTenant.get(origin);
    if (known !== undefined) return known;
    const counts = new Counts(name);
    this.#byTenant.set(origin, counts);
    return counts;
  }

  #hear(event: ProxyEvent): void {
    const { tenant: origin } = event;
    if (origin === undefined) return this.#shared.hear(event);
    const known = this.#byTenant.get(origin);
    if (known !== undefined) return known.hear(event);
    const tenant = this.#tenants().find((each) => each.origin === origin);
    (tenant === undefined ? this.#shared : this.#of(tenant)).hear(event);
  }
}

/** Series of several counts beside each other: no two of them have the same labels. */
function joined<Name extends string, Value>(
  all: readonly Readonly<Record<Name, readonly Series<Value>[]>>[],
): Readonly<Record<Name, readonly Series<Value>[]>> {
  const names = Object.keys(all[0] ?? {}) as Name[];
  return Object.fromEntries(
    names.map((name) => [name, all.flatMap((each) => each[name])]),
  ) as unknown as Readonly<Record<Name, readonly Series<Value>[]>>;
}
