import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { EmulatorClock } from "../clock.ts";
import type { AppDefinition } from "./apps/app-definition.ts";
import { defaultApps } from "./apps/default-apps.ts";
import { CLOSE, closeReason } from "./close-reason.ts";
import { type AppSummary, EngineApps } from "./engine-apps.ts";
import type { EngineUser, SessionPlace } from "./engine-session.ts";
import { EngineSocket } from "./engine-socket.ts";
import { SessionRegistry } from "./session-registry.ts";

/** An upgrade request that has passed every check, and for whom it is. */
export interface EngineConnection {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** The app id of the path, percent-encoded or not; `engineData` for a session without an app. */
  readonly appId: string;
  /** The identity of the path; empty by default. */
  readonly identity: string;
  /** Seconds that the engine session outlives its last socket; 0 ends it at once. */
  readonly ttl: number;
  readonly user: EngineUser;
  /** The tenant session the upgrade came with. */
  readonly tenantSessionId: string;
  /** Header lines for the 101, e.g. `Set-Cookie: a=b`. */
  readonly responseHeaders: readonly string[];
  /** Called for every message the client sends. */
  readonly onClientFrame?: () => void;
  /** Said after the client's first frame; nothing by default (facts §10.2). */
  readonly afterFirstFrame?: string;
  /** Called once when the socket is gone, with its close code. */
  readonly onClose?: (code: number) => void;
}

/** Which sockets: those of a subject, of a tenant session, or without either all of them. */
export interface SocketFilter {
  readonly subject?: string;
  readonly tenantSessionId?: string;
}

/** A living socket. */
export interface EngineSocketSummary {
  readonly subject: string;
  readonly appId: string;
  readonly tenantSessionId: string;
}

/** The local tenant's engine: apps with data, behind WebSockets. */
export interface Engine {
  /** Every app there is. */
  apps(): readonly AppSummary[];
  /** Answers an upgrade: 101 and the first frame, or 101 and a close code. */
  connect(connection: EngineConnection): void;
  /**
   * Closes sockets with a code; the reason is JSON by default. Returns how many.
   *
   * @throws TypeError for a code that no close frame may carry (1005, 1006, 1015; facts §5.5)
   */
  closeSockets(filter: SocketFilter, code: number, reason?: string): number;
  /** Drops sockets without a close frame. Returns how many. */
  destroySockets(filter: SocketFilter): number;
  /** The living sockets. */
  sockets(): readonly EngineSocketSummary[];
  /** Drops every socket and ends every engine session. */
  close(): Promise<void>;
}

/** What an engine is made of. */
export interface EngineOptions {
  /** Decides when a session without sockets has outlived its `ttl`. */
  readonly clock: EmulatorClock;
  /** The apps to serve; four with made-up data by default. */
  readonly apps?: readonly AppDefinition[];
}

/** Path element of a connection without an app (facts §5.1). */
const NO_APP = "engineData";

/** The longest message a client may send: 256 MB. */
const LONGEST_MESSAGE = 268_435_456;

/** Creates an engine; it listens to nothing, upgrades are handed to `connect`. */
export function createEngine(options: EngineOptions): Engine {
  const apps = new EngineApps(options.apps ?? defaultApps());
  const registry = new SessionRegistry(options.clock);
  const living = new Map<EngineSocket, EngineSocketSummary>();
  const headerLines = new WeakMap<IncomingMessage, readonly string[]>();
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: true,
    maxPayload: LONGEST_MESSAGE,
  });
  server.on("headers", (headers, request) => headers.push(...(headerLines.get(request) ?? [])));

  function admit(client: WebSocket, connection: EngineConnection): void {
    const socket = new EngineSocket(client);
    const place = toPlace(connection);
    const access = place.appId === "" ? "granted" : apps.access(place.appId, place.user);
    client.on("error", () => client.terminate());
    if (access !== "granted") {
      const code = access === "denied" ? CLOSE.noPermission : CLOSE.appNotFound;
      client.on("close", (closed) => connection.onClose?.(closed));
      socket.close(code, closeReason(code));
      return;
    }
    const { session, isNew } = registry.attach(place, socket);
    client.on("close", (code) => {
      living.delete(socket);
      registry.detach(session, socket, connection.ttl);
      connection.onClose?.(code);
    });
    const { subject } = place.user;
    living.set(socket, { subject, appId: place.appId, tenantSessionId: connection.tenantSessionId });
    socket.send(connectedMessage(isNew));
    socket.serve(session, apps, {
      onFrame: connection.onClientFrame,
      afterFirst: connection.afterFirstFrame,
    });
  }

  function pick(filter: SocketFilter): readonly EngineSocket[] {
    return [...living].flatMap(([socket, summary]) => (fits(summary, filter) ? [socket] : []));
  }

  return {
    apps: () => apps.summaries(),
    connect(connection) {
      const { request, socket, head, responseHeaders } = connection;
      headerLines.set(request, responseHeaders);
      // One write for the 101 and the first frame, so that a listener attached late misses it (facts §13).
      socket.cork();
      server.handleUpgrade(request, socket, head, (client) => admit(client, connection));
      socket.uncork();
    },
    closeSockets(filter, code, reason = closeReason(code)) {
      const chosen = pick(filter);
      for (const socket of chosen) socket.close(code, reason);
      return chosen.length;
    },
    destroySockets(filter) {
      const chosen = pick(filter);
      for (const socket of chosen) socket.destroy();
      return chosen.length;
    },
    sockets: () => [...living.values()],
    async close() {
      for (const client of server.clients) client.terminate();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      registry.clear();
    },
  };
}

function connectedMessage(isNew: boolean): string {
  const qSessionState = isNew ? "SESSION_CREATED" : "SESSION_ATTACHED";
  return JSON.stringify({ jsonrpc: "2.0", method: "OnConnected", params: { qSessionState } });
}

function toPlace({ appId, identity, user, request }: EngineConnection): SessionPlace {
  const id = decode(appId);
  const query = new URLSearchParams((request.url ?? "").split("?")[1] ?? "");
  return { user, identity, appId: id === NO_APP ? "" : id, sourceAppId: query.get("from") ?? "" };
}

/** App ids may come percent-encoded (facts §5.1); text that is no valid encoding stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function fits(summary: EngineSocketSummary, { subject, tenantSessionId }: SocketFilter): boolean {
  return (
    (subject === undefined || summary.subject === subject) &&
    (tenantSessionId === undefined || summary.tenantSessionId === tenantSessionId)
  );
}
