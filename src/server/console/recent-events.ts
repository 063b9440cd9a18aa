import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ProxyEvent } from "../../kernel/channels.ts";
import type { ChannelName, EventLevel } from "../../kernel/events.ts";

const channelNames: readonly ChannelName[] = ["exchange", "session", "login", "socket", "policy"];

/** How many are kept. */
export const mostEvents = 200;

/** What the console shows of an event: what a log line has, but for what only programs look for. */
export interface NotableEvent {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly level: EventLevel;
  readonly event: string;
  readonly session?: string | undefined;
  readonly status?: number | undefined;
  readonly code?: string | number | undefined;
  readonly reason?: string | undefined;
  readonly outcome?: string | undefined;
}

/** One that is remembered. */
export interface RecentEvent extends NotableEvent {
  /** Goes up by one with each. */
  readonly id: number;
}

/** Remembers the last events that say more than that all is well: of this process, and of those that tell theirs. */
export class RecentEvents {
  readonly #events: RecentEvent[] = [];
  #last = 0;
  /** Stops listening. */
  readonly close: () => void;

  constructor(now: () => number) {
    this.close = watchEvents(now, (event) => this.#add(event));
  }

  /** The events after the one with this id. */
  since(id: number): readonly RecentEvent[] {
    return this.#events.filter((event) => event.id > id);
  }

  /** Takes events of another process. */
  addAll(events: readonly NotableEvent[]): void {
    for (const event of events) this.#add(event);
  }

  #add(event: NotableEvent): void {
    this.#last += 1;
    this.#events.push({ ...event, id: this.#last });
    if (this.#events.length > mostEvents) this.#events.shift();
  }
}

/** Tells of every event of this process that is worth it, until the returned function is called. */
export function watchEvents(now: () => number, tell: (event: NotableEvent) => void): () => void {
  const listener = (message: unknown): void => {
    const event = message as ProxyEvent;
    const { level = "info", session, status, code, reason, outcome } = event;
    if (level === "debug" || (level === "info" && isUsual(event))) return;
    tell({ at: now(), level, event: event.event, session, status, code, reason, outcome });
  };
  for (const name of channelNames) subscribe(`qsp:${name}`, listener);
  return () => {
    for (const name of channelNames) unsubscribe(`qsp:${name}`, listener);
  };
}

/** There are many of them, and charts show them. */
const isUsual = ({ event }: ProxyEvent): boolean =>
  event === "exchange.finished" ||
  event === "edge.decided" ||
  event === "socket.closed" ||
  event === "login.succeeded";
