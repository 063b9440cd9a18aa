import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** The TCP connections of a server. */
export interface Connections {
  /** Resets the connection below `socket`, so that the peer sees a reset and not an orderly end. */
  reset(socket: Duplex): void;
  /** Destroys every connection, upgraded ones too. */
  destroyAll(): void;
}

const peerOf = (socket: Socket): string => `${socket.remoteAddress}:${socket.remotePort}`;

/** Keeps track of the TCP connections of `server`. */
export function trackConnections(server: Server): Connections {
  // A TLS socket cannot be reset; the TCP socket below it can, and the two share their peer.
  const byPeer = new Map<string, Socket>();
  server.on("connection", (socket: Socket) => {
    const peer = peerOf(socket);
    byPeer.set(peer, socket);
    socket.once("close", () => {
      if (byPeer.get(peer) === socket) byPeer.delete(peer);
    });
  });
  return {
    reset(socket) {
      const below = byPeer.get(peerOf(socket as Socket));
      if (below === undefined) socket.destroy();
      else below.resetAndDestroy();
    },
    destroyAll() {
      for (const socket of byPeer.values()) socket.destroy();
      byPeer.clear();
    },
  };
}
