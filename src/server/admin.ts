import { publish } from "../kernel/channels.ts";
import { systemClock } from "../kernel/clock.ts";
import type { SessionProxyStats } from "../proxy/session-proxy.ts";
import { type AdminOptions, createAdminListener, type Readiness } from "./admin-listener.ts";
import { Console } from "./console/console.ts";
import type { AnyServer } from "./listener.ts";
import { ServerMetrics } from "./metrics/server-metrics.ts";

/** What the private listener of a proxy, or of several processes, is made from. */
export interface AdminParts extends Omit<AdminOptions, "now" | "telemetry"> {
  /** What there is to count; null where nothing is counted here. */
  readonly telemetry: { readonly stats: () => SessionProxyStats; readonly tenant: string } | null;
}

/** A private listener, and what counts for it: nobody could ask for that without one. */
export interface Admin {
  readonly server: AnyServer;
  /** Stops counting. */
  close(): void;
}

export function createAdmin(parts: AdminParts): Admin {
  const { readiness, telemetry, ...options } = parts;
  if (options.token() === undefined) {
    const reason = "admin.tokenFile: is missing, so that nobody can list or end sessions";
    publish("policy", () => ({ event: "config.warned", level: "warn", reason }));
  }
  const { now } = systemClock;
  if (telemetry === null) {
    return { server: createAdminListener({ ...options, readiness, telemetry, now }), close() {} };
  }
  const metrics = new ServerMetrics(telemetry.stats);
  const console = new Console({ metrics, tenant: telemetry.tenant, readiness, now });
  return {
    server: createAdminListener({ ...options, readiness, telemetry: { metrics, console }, now }),
    close() {
      metrics.close();
      console.close();
    },
  };
}

/** Whether new work should come to a proxy, by its counts. */
export function readinessOf({
  storeReachable,
  loginsHeldBack,
}: Pick<SessionProxyStats, "storeReachable" | "loginsHeldBack">): Readiness {
  if (!storeReachable) return "store unreachable";
  return loginsHeldBack ? "login held back" : "ready";
}
