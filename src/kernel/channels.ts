import { channel } from "node:diagnostics_channel";
import type { ChannelName, EventLevel, EventName } from "./events.ts";

/** What a log line or a metric is made from; fields that an event does not have are undefined. */
export interface ProxyEvent {
  readonly event: EventName;
  /** "info" by default. */
  readonly level?: EventLevel | undefined;
  /** 32 hex digits; the same id stands in the answer to the browser. */
  readonly traceId?: string | undefined;
  /** The first digits of the session key, which is itself a keyed hash. */
  readonly session?: string | undefined;
  /** A keyed hash of the subject. */
  readonly subjectHash?: string | undefined;
  /** Origin of the tenant. */
  readonly tenant?: string | undefined;
  /** Class of the route, never a path. */
  readonly route?: string | undefined;
  readonly method?: string | undefined;
  readonly status?: number | undefined;
  /** Milliseconds. */
  readonly ms?: number | undefined;
  /** Milliseconds from sending the request to the head of the tenant's answer. */
  readonly upstreamMs?: number | undefined;
  /** Bytes sent to the browser. */
  readonly bytes?: number | undefined;
  /** Bytes of a socket that went to the tenant. */
  readonly bytesUp?: number | undefined;
  /** A code of the error table, or a WebSocket close code. */
  readonly code?: string | number | undefined;
  /** What happened and what to do about it; never a secret, never text of a request. */
  readonly reason?: string | undefined;
  readonly outcome?: string | undefined;
  /** What the store was asked for. */
  readonly operation?: "read" | "write" | "names" | "publish" | undefined;
}

const channels = {
  exchange: channel("qsp:exchange"),
  session: channel("qsp:session"),
  login: channel("qsp:login"),
  socket: channel("qsp:socket"),
  policy: channel("qsp:policy"),
  store: channel("qsp:store"),
};

/** Publishes an event; it is only made when somebody listens. */
export function publish(name: ChannelName, event: () => ProxyEvent): void {
  const target = channels[name];
  if (target.hasSubscribers) target.publish(event());
}
