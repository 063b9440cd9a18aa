import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, Server } from "node:http";
import type { ProxyEvent } from "../../src/kernel/channels.ts";

/** A request or an upgrade as it came from a browser, and what became of it. */
export interface Visit {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: IncomingMessage["headers"];
  /** Status of the answer; 101 for a socket that was opened. */
  readonly status: number;
  /** The reason of the proxy's refusal, such as "site guard, row 6". */
  readonly reason: string | undefined;
}

/** What came to a server. */
export interface Visits {
  /** Returns and forgets the visits that were answered, in the order of the answers. */
  take(): readonly Visit[];
  /** The first visit so far with this text in its target. */
  find(text: string): Visit | undefined;
  /** The first visit with this text in its target, once it is answered; undefined if none comes for a while. */
  first(text: string): Promise<Visit | undefined>;
  close(): void;
}

/** How long a request that was made may take to come. Milliseconds. */
const patience = 20_000;

type OpenVisit = { -readonly [K in keyof Visit]: Visit[K] };

/** Writes down what comes to a server that has its proxies, before anybody else sees it, and what the proxies in it say of it. */
export function recordVisits(server: Server): Visits {
  let visits: Visit[] = [];
  const waiting = new Set<() => void>();
  const current = new AsyncLocalStorage<OpenVisit>();

  const begin = ({ method = "", url = "", headers }: IncomingMessage): OpenVisit => {
    const visit: OpenVisit = { method, target: url, headers, status: 0, reason: undefined };
    // What handles the request from here on, and speaks of it on a channel, runs in its name.
    current.enterWith(visit);
    return visit;
  };
  const end = (visit: OpenVisit, status: number): void => {
    visit.status = status;
    visits.push(visit);
    for (const look of waiting) look();
  };

  server.prependListener("request", (request, response) => {
    const visit = begin(request);
    response.on("close", () => end(visit, response.statusCode));
  });
  // Of an upgrade that a proxy takes no other listener hears. docs/decisions/0029
  const emit = server.emit.bind(server) as (event: string, ...values: unknown[]) => boolean;
  server.emit = ((event: string, ...values: unknown[]) => {
    if (event === "upgrade") begin(values[0] as IncomingMessage);
    return emit(event, ...values);
  }) as Server["emit"];

  const hear = (message: unknown): void => {
    const { event, status = 0, reason } = message as ProxyEvent;
    const visit = current.getStore();
    if (visit === undefined) return;
    if (reason !== undefined) visit.reason = reason;
    if (event === "socket.opened" || event === "socket.refused") end(visit, status);
  };
  subscribe("qsp:exchange", hear);
  subscribe("qsp:socket", hear);

  const find = (text: string): Visit | undefined => visits.find(({ target }) => target.includes(text));
  return {
    find,
    take() {
      const taken = visits;
      visits = [];
      return taken;
    },
    first: (text) =>
      new Promise((resolve) => {
        const leave = (visit: Visit | undefined): void => {
          clearTimeout(timer);
          waiting.delete(look);
          resolve(visit);
        };
        const look = (): void => {
          const visit = find(text);
          if (visit !== undefined) leave(visit);
        };
        const timer = setTimeout(() => leave(undefined), patience);
        waiting.add(look);
        look();
      }),
    close() {
      unsubscribe("qsp:exchange", hear);
      unsubscribe("qsp:socket", hear);
    },
  };
}
