import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A wire between a client and a server that can be cut in ways a server cannot: quietly, and one way. */
export interface RedisRelay {
  readonly port: number;
  /** Lets connections that stand hang: open, and silent for ever. New ones pass. */
  hang(): void;
  /** Connections that were made so far. */
  readonly made: number;
  close(): Promise<void>;
}

/** Starts a relay on loopback to a port of loopback. Whoever starts it closes it. */
export async function startRedisRelay(target: number): Promise<RedisRelay> {
  const sockets = new Set<Socket>();
  let pairs: (readonly [Socket, Socket])[] = [];
  let made = 0;
  const server = createServer((near) => {
    made += 1;
    const far = connect(target, "127.0.0.1");
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", end);
      socket.on("close", () => sockets.delete(socket));
    }
    near.on("close", end);
    far.on("close", end);
    near.pipe(far);
    far.pipe(near);
    pairs.push([near, far]);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    hang() {
      for (const [near, far] of pairs) {
        // Read on, so that the end of the other side is seen, and let nothing through.
        near.unpipe(far).resume();
        far.unpipe(near).resume();
      }
      pairs = [];
    },
    get made() {
      return made;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
