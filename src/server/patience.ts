import { isHttp2 } from "../proxy/request-head.ts";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { publish } from "../kernel/channels.ts";
import type { AnyServer } from "./listener.ts";

/** How long a listener waits for a client that is slow or silent, and how much it takes on for one. */
export interface Patience {
  /** Milliseconds for the head of a request, from the first moment of a connection on. attacks B2 */
  readonly head: number;
  /** Milliseconds between an answer and the next request; longer than a front door's, so that it never sends into a connection that we close. rules R11 */
  readonly keepAlive: number;
  /** Milliseconds for a TLS handshake. */
  readonly handshake: number;
  /** Milliseconds in which a client with an answer under way takes none of it. */
  readonly unread: number;
  /** Milliseconds for the rest of a body whose request is answered. */
  readonly restOfBody: number;
  /** Requests of one connection that are under way at once; further ones are not read before. */
  readonly pipelined: number;
  /** Connections; further ones are closed at once. */
  readonly connections: number;
}

/** Of every listener of ours; docs/reference/limits.md says why. */
export const standingPatience: Patience = {
  head: 20_000,
  keepAlive: 75_000,
  handshake: 10_000,
  unread: 60_000,
  restOfBody: 30_000,
  pipelined: 100,
  connections: 65_536,
};

/** What is known of a connection on which a request has come. */
interface Connection {
  /** Requests whose answers are not through. */
  underWay: number;
  /** Whether we have stopped to read from it. */
  held: boolean;
  /** Bytes that the kernel has taken for it, and since when it has not taken more. */
  taken: number;
  since: number;
}

/** How exactly `unread` is kept: so many looks in that time. */
export const looks = 4;

/** How often the operator is told that there are too many connections. Milliseconds. */
const tellEvery = 60_000;

/** Keeps the limits, as far as node has no option for them. */
export function keepPatience(server: AnyServer, patience: Patience): void {
  server.maxConnections = patience.connections;
  tellOfTooMany(server, patience.connections);
  const connections = new Map<Socket, Connection>();
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    // Those of HTTP/2 have limits of their own, and share a connection that nobody else may touch.
    if (isHttp2(request)) return;
    const { socket } = request;
    const connection = connections.get(socket) ?? follow(connections, socket);
    connection.underWay += 1;
    // node has no limit for those that wait for the tenant; what it has read by now still comes.
    if (connection.underWay > patience.pipelined) {
      connection.held = true;
      socket.pause();
    }
    response.once("close", () => {
      connection.underWay -= 1;
      if (!request.complete) limitRestOfBody(request, patience.restOfBody);
      if (!connection.held || connection.underWay > patience.pipelined) return;
      connection.held = false;
      socket.resume();
    });
  });
  server.once("listening", () => {
    const timer = setInterval(() => cutUnread(connections, patience.unread), patience.unread / looks).unref();
    server.once("close", () => clearInterval(timer));
  });
}

function tellOfTooMany(server: AnyServer, most: number): void {
  let toldAt = Number.NEGATIVE_INFINITY;
  server.on("drop", () => {
    if (performance.now() - toldAt < tellEvery) return;
    toldAt = performance.now();
    const reason = `${most} connections are open, as many as there may be; further ones are closed at once`;
    publish("policy", () => ({ event: "connection.refused", level: "warn", reason }));
  });
}

function follow(connections: Map<Socket, Connection>, socket: Socket): Connection {
  const connection = { underWay: 0, held: false, taken: -1, since: 0 };
  connections.set(socket, connection);
  // node reads on with the end of each request, whoever paused.
  socket.on("resume", () => {
    if (connection.held) socket.pause();
  });
  // Answers that wait behind another one do not hear of the end of their connection.
  socket.once("close", () => connections.delete(socket));
  return connection;
}

/** Nobody reads the rest of a body whose request is answered; node throws it away for as long as it comes. */
function limitRestOfBody(request: IncomingMessage, ms: number): void {
  const { socket } = request;
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), ms).unref();
  const over = (): void => {
    clearTimeout(timer);
    request.off("end", over);
    socket.off("close", over);
  };
  request.on("end", over);
  socket.on("close", over);
}

/**
 * Ends connections whose client takes nothing of an answer. The exchange with the tenant has a limit of its own for that;
 * this is for answers that are shorter than what a connection holds, one behind the other.
 */
function cutUnread(connections: ReadonlyMap<Socket, Connection>, limit: number): void {
  const now = performance.now();
  for (const [socket, connection] of connections) {
    const taken = socket.bytesWritten - socket.writableLength;
    if (connection.underWay === 0 || socket.writableLength === 0 || taken !== connection.taken)
      Object.assign(connection, { taken, since: now });
    else if (now - connection.since >= limit) socket.destroy();
  }
}
