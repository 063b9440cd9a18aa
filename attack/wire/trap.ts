import * as net from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

/** A place that no proxy has any business at: whoever connects has been led there. */
export interface Trap {
  /** `host:port` */
  readonly authority: string;
  /** What came, one text a connection. */
  readonly visits: readonly string[];
  close(): Promise<void>;
}

/** Starts a trap. It answers everything, so that a proxy that follows gets what it wants. */
export async function startTrap(): Promise<Trap> {
  const visits: string[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    const at = visits.push("") - 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk: Buffer) => {
      visits[at] += chunk.toString("latin1");
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ntrap");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    authority: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    visits,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
