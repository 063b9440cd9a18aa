import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ProxyEvent } from "../../kernel/channels.ts";
import type { ChannelName, EventLevel } from "../../kernel/events.ts";

const channelNames: readonly ChannelName[] = ["exchange", "session", "login", "socket", "policy"];

/** How many are kept. */
const mostEvents = 200;

/** What the console shows of an event: what a log line has, but for what only programs look for. */
export interface RecentEvent {
  /** Goes up by one with each. */
  readonly id: number;
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

/** Remembers the last events that say more than that all is well. */
export class RecentEvents {
  readonly #now: () => number;
  readonly #events: RecentEvent[] = [];
  readonly #listener = (message: unknown): void => this.#hear(message as ProxyEvent);
  #last = 0;

  constructor(now: () => number) {
    this.#now = now;
    for (const name of channelNames) subscribe(`qsp:${name}`, this.#listener);
  }

  /** The events after the one with this id. */
  since(id: number): readonly RecentEvent[] {
    return this.#events.filter((event) => event.id > id);
  }

  close(): void {
    for (const name of channelNames) unsubscribe(`qsp:${name}`, this.#listener);
  }

  #hear(event: ProxyEvent): void {
    const { level = "info", session, status, code, reason, outcome } = event;
    if (level === "debug" || (level === "info" && isUsual(event))) return;
    this.#last += 1;
    const about = { session, status, code, reason, outcome };
    this.#events.push({ id: this.#last, at: this.#now(), level, event: event.event, ...about });
    if (this.#events.length > mostEvents) this.#events.shift();
  }
}

/** There are many of them, and charts show them. */
const isUsual = ({ event }: ProxyEvent): boolean =>
  event === "exchange.finished" || event === "socket.closed" || event === "login.succeeded";
