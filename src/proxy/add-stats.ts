import type { SessionProxyStats } from "./session-proxy.ts";

/** The counts of two proxies as those of one; of what is well or is not, the worst holds. */
export const addStats = (one: SessionProxyStats, other: SessionProxyStats): SessionProxyStats => ({
  sessions: one.sessions + other.sessions,
  sockets: one.sockets + other.sockets,
  socketBytes: {
    down: one.socketBytes.down + other.socketBytes.down,
    up: one.socketBytes.up + other.socketBytes.up,
  },
  inFlight: one.inFlight + other.inFlight,
  draining: one.draining || other.draining,
  loginsHeldBack: one.loginsHeldBack || other.loginsHeldBack,
  storeReachable: one.storeReachable && other.storeReachable,
  upstream: {
    connections: one.upstream.connections + other.upstream.connections,
    opened: one.upstream.opened + other.upstream.opened,
    requests: one.upstream.requests + other.upstream.requests,
  },
});
