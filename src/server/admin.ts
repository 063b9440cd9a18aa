import { publish } from "../kernel/channels.ts";
import { systemClock } from "../kernel/clock.ts";
import { areForSeveral, namesOf } from "../options/several-tenants.ts";
import type { SessionProxyStats } from "../proxy/session-proxy.ts";
import { type AdminOptions, createAdminListener, type Readiness } from "./admin-listener.ts";
import type { ProxyOptions } from "./config/to-library-options.ts";
import { Console } from "./console/console.ts";
import type { RecentEvents } from "./console/recent-events.ts";
import type { AnyServer } from "./listener.ts";
import type { Readings } from "./metrics/snapshot.ts";

/** What the private listener of a proxy, or of several processes, is made from. */
export interface AdminParts extends Omit<AdminOptions, "now" | "telemetry"> {
  /** What is counted, and what is remembered of events; both are closed with it. */
  readonly readings: Readings;
  readonly events: RecentEvents;
  readonly tenant: string;
}

/** A private listener, and what counts for it: nobody could ask for that without one. */
export interface Admin {
  readonly server: AnyServer;
  /** Stops counting. */
  close(): void;
}

export function createAdmin(parts: AdminParts): Admin {
  const { readings, events, tenant, ...options } = parts;
  if (options.token() === undefined) {
    const reason = "admin.tokenFile: is missing, so that nobody can list or end sessions";
    publish("policy", () => ({ event: "config.warned", level: "warn", reason }));
  }
  const { now } = systemClock;
  const { readiness } = options;
  const console = new Console({ readings, events, tenant, readiness, now });
  return {
    server: createAdminListener({ ...options, telemetry: { readings, console }, now }),
    close() {
      console.close();
      readings.close();
      events.close();
    },
  };
}

/** What the console says it is for: the tenant, or the names of the several. */
export const shownTenant = (options: ProxyOptions): string =>
  areForSeveral(options) ? namesOf(options).join(", ") : options.tenant.origin;

/** Whether new work should come to a proxy, by its counts. */
export function readinessOf({
  storeReachable,
  loginsHeldBack,
}: Pick<SessionProxyStats, "storeReachable" | "loginsHeldBack">): Readiness {
  if (!storeReachable) return "store unreachable";
  return loginsHeldBack ? "login held back" : "ready";
}
