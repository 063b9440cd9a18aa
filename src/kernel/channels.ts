import { channel } from "node:diagnostics_channel";

/** What a log line or a metric is made from; the fields that an event does not have are left out. */
export interface ProxyEvent {
  /** `noun.pastVerb`: "session.created", "login.refused", "socket.closed", "exchange.finished". */
  readonly event: string;
  /** "error" = someone must act, "warn" = degraded, "info" = a state changed (the default), "debug" = the rest. */
  readonly level?: "error" | "warn" | "info" | "debug";
  /** 32 hex digits; the same id stands in the answer to the browser. */
  readonly traceId?: string;
  /** The first digits of the session key, which is itself a keyed hash. */
  readonly session?: string;
  /** A keyed hash of the subject. */
  readonly subjectHash?: string;
  /** Origin of the tenant. */
  readonly tenant?: string;
  /** Class of the route, never a path. */
  readonly route?: string;
  readonly method?: string;
  readonly status?: number;
  /** Milliseconds. */
  readonly ms?: number;
  /** Bytes sent to the browser. */
  readonly bytes?: number;
  /** A code of the error table, or a WebSocket close code. */
  readonly code?: string | number;
  /** What happened and what to do about it; never a secret, never text of a request. */
  readonly reason?: string;
  readonly outcome?: string;
}

/** The diagnostics channels that the library publishes on, without their prefix "qsp:". */
export type ChannelName = "exchange" | "session" | "login" | "socket" | "policy";

const channels = {
  exchange: channel("qsp:exchange"),
  session: channel("qsp:session"),
  login: channel("qsp:login"),
  socket: channel("qsp:socket"),
  policy: channel("qsp:policy"),
};

/** Publishes an event; it is only made when somebody listens. */
export function publish(name: ChannelName, event: () => ProxyEvent): void {
  const target = channels[name];
  if (target.hasSubscribers) target.publish(event());
}
