import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { FastifyBaseLogger } from "fastify";
import type { ProxyEvent } from "../kernel/channels.ts";
import type { ChannelName } from "../kernel/events.ts";

const channelNames: readonly ChannelName[] = ["exchange", "session", "login", "socket", "policy"];

/**
 * Writes what the proxies of a tenant tell of into Fastify's log; of a tenant that is not known, what all proxies do. Fastify has
 * a line of its own for each request, so that exchanges that went well are for debugging. Returns a function that stops it.
 */
export function logEvents(log: FastifyBaseLogger, tenant: string | undefined): () => void {
  const listener = (message: unknown): void => {
    const { level = "info", ...event } = message as ProxyEvent;
    if (tenant !== undefined && event.tenant !== undefined && event.tenant !== tenant) return;
    const isOrdinary = event.event === "exchange.finished" && level === "info";
    log[isOrdinary ? "debug" : level](event, event.event);
  };
  for (const name of channelNames) subscribe(`qsp:${name}`, listener);
  return () => {
    for (const name of channelNames) unsubscribe(`qsp:${name}`, listener);
  };
}
