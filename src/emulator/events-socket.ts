import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import type { EmulatorClock } from "./clock.ts";
import type { UserSession } from "./sessions.ts";

/** Something that happened to a resource, as the event socket pushes it (facts §5.6). */
export interface TenantEvent {
  readonly operation: string;
  readonly origin: string;
  readonly resourceId: string;
  readonly resourceType: string;
}

/** An upgrade of the event socket that has passed every check. */
export interface EventConnection {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly session: UserSession;
  readonly responseHeaders: readonly string[];
  readonly onClientFrame: () => void;
}

/** Which event sockets. */
export interface EventSocketFilter {
  readonly subject?: string;
  readonly tenantSessionId?: string;
}

/** Pushes events to everyone who listens. */
export interface EventFeed {
  publish(event: TenantEvent): void;
  connect(connection: EventConnection): void;
  /** Accepts an upgrade with 101 and closes it at once. */
  refuse(connection: Omit<EventConnection, "session" | "onClientFrame">, code: number, reason: string): void;
  /** Accepts an upgrade with 101, and says nothing on it. */
  hold(connection: Omit<EventConnection, "session" | "onClientFrame">): void;
  sockets(): readonly { readonly subject: string; readonly tenantSessionId: string }[];
  closeSockets(filter: EventSocketFilter, code: number, reason?: string): number;
  destroySockets(filter: EventSocketFilter): number;
  close(): void;
}

/** Creates a feed nobody listens to yet. */
export function createEventFeed(clock: EmulatorClock): EventFeed {
  const listeners = new Map<WebSocket, { readonly subject: string; readonly tenantSessionId: string }>();
  const headerLines = new WeakMap<IncomingMessage, readonly string[]>();
  const server = new WebSocketServer({ noServer: true });
  server.on("headers", (headers, request) => headers.push(...(headerLines.get(request) ?? [])));
  const pick = (filter: EventSocketFilter): WebSocket[] =>
    [...listeners].flatMap(([client, { subject, tenantSessionId }]) =>
      (filter.subject ?? subject) === subject &&
      (filter.tenantSessionId ?? tenantSessionId) === tenantSessionId
        ? [client]
        : [],
    );
  function accept(connection: Omit<EventConnection, "session" | "onClientFrame">): Promise<WebSocket> {
    const { request, socket, head, responseHeaders } = connection;
    headerLines.set(request, responseHeaders);
    return new Promise((resolve) => {
      server.handleUpgrade(request, socket, head, (client) => {
        client.on("error", () => client.terminate());
        resolve(client);
      });
    });
  }
  return {
    publish(event) {
      const message = JSON.stringify({
        ...event,
        success: true,
        time: new Date(clock.now()).toISOString(),
      });
      for (const client of listeners.keys()) client.send(message);
    },
    connect(connection) {
      const { session } = connection;
      void accept(connection).then((client) => {
        listeners.set(client, { subject: session.subject, tenantSessionId: session.id });
        client.on("message", connection.onClientFrame);
        client.on("close", () => listeners.delete(client));
      });
    },
    refuse(connection, code, reason) {
      void accept(connection).then((client) => client.close(code, reason));
    },
    hold: (connection) => void accept(connection),
    sockets: () => [...listeners.values()],
    closeSockets(filter, code, reason) {
      const chosen = pick(filter);
      for (const client of chosen) client.close(code, reason);
      return chosen.length;
    },
    destroySockets(filter) {
      const chosen = pick(filter);
      for (const client of chosen) client.terminate();
      return chosen.length;
    },
    close() {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
}
