import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import { wire } from "./kind-on-the-wire.ts";

/** A tenant that lets everybody in and whose sockets do what the test says. */
export interface SocketTenant {
  readonly origin: string;
  /** Upgrade requests, in their order. */
  readonly upgrades: IncomingMessage[];
  /** The next socket that is opened, or the first that nobody has taken. */
  next(): Promise<{ readonly ws: WebSocket; readonly socket: Socket }>;
  close(): Promise<void>;
}

/** Starts a tenant for tests of what goes over a socket. */
export async function startSocketTenant(): Promise<SocketTenant> {
  const upgrades: IncomingMessage[] = [];
  const opened: { ws: WebSocket; socket: Socket }[] = [];
  const waiting: ((pair: { ws: WebSocket; socket: Socket }) => void)[] = [];
  const server = createServer((request, response) => {
    const path = wire.within(request.url ?? "", (name) => [request.headers[name]].flat()[0]);
    const asksForToken = path === wire.tokenPath && request.headers.authorization === undefined;
    const { status, headers, body } = wire.signedIn("socket-session", "socket-token");
    if (asksForToken) response.writeHead(204, { "qlik-csrf-token": "socket-token" }).end();
    else if (path !== undefined && wire.ownPaths.includes(path))
      response.writeHead(status, [...headers]).end(body);
    else response.writeHead(200).end();
  });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  server.on("upgrade", (request, socket, head) => {
    upgrades.push(request);
    socket.on("error", () => {});
    sockets.handleUpgrade(request, socket, head, (ws) => {
      ws.on("error", () => {});
      const pair = { ws, socket: socket as Socket };
      const taker = waiting.shift();
      if (taker) taker(pair);
      else opened.push(pair);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://tenant.localhost:${(server.address() as AddressInfo).port}`,
    upgrades,
    next() {
      const pair = opened.shift();
      return pair ? Promise.resolve(pair) : new Promise((resolve) => waiting.push(resolve));
    },
    async close() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
