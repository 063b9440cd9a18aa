import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";
import { connectRedis } from "../../src/store/connect-redis.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { RedisClient } from "../../src/store/redis-client.ts";
import { fromIoredis } from "../../src/store/redis-from-ioredis.ts";
import { fromNodeRedis } from "../../src/store/redis-from-node-redis.ts";
import { createRedisStore } from "../../src/store/redis-store.ts";
import { parseStoreUrl, type RedisAddress } from "../../src/store/redis-url.ts";
import type { SessionStore } from "../../src/store/session-store.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { startRedisCluster } from "../support/redis-cluster.ts";
import { pause } from "../support/redis-process.ts";
import { startRedisSentinels } from "../support/redis-sentinel.ts";
import { startRedisServer, type RedisServerOptions } from "../support/redis-server.ts";
import type { StoreKind, StorePlace } from "./contract.ts";

/** How long a call may take where the server is there. Milliseconds; generous, for a busy machine. */
const timeout = 5000;

/** The address that a text gives; the text is one of ours, so it has no problem. */
export function addressOf(url: string): RedisAddress {
  const address = parseStoreUrl(url);
  if ("problem" in address) throw new Error(address.problem);
  return address;
}

/** A place at a server that is closed with it. */
function placeAt(
  server: { close(): Promise<void> },
  open: () => SessionStore | Promise<SessionStore>,
): StorePlace {
  return { open, advance: pause, now: Date.now, close: () => server.close() };
}

/** A store on a client that an application has brought, and closes itself. */
function onBrought(client: RedisClient, end: () => unknown): SessionStore {
  const store = createRedisStore(client, { timeout });
  const close = store.close.bind(store);
  return {
    ...store,
    async close() {
      await close();
      await end();
    },
  };
}

export const memory: StoreKind = {
  name: "the memory store",
  reach: "process",
  start() {
    const clock = createManualClock();
    const open = (): SessionStore => new MemoryStore(clock);
    return Promise.resolve({ open, advance: clock.advance, now: clock.now, close: () => {} });
  },
};

const single = (name: string, options: RedisServerOptions): StoreKind => ({
  name,
  reach: "nodes",
  async start() {
    const server = await startRedisServer(options);
    const ca = server.ca ?? undefined;
    return placeAt(server, () => connectRedis(addressOf(server.url), { timeout, ca }));
  },
});

export const redisByUrl: StoreKind = single("a store at redis://", {});

/** Everything that the store needs of a server, and nothing else. */
const leastRules =
  "~qsp:* &qsp:* -@all +eval +hmget +hset +hdel +pexpire +time +scan +publish +subscribe +info";

export const redisByTls: StoreKind = single("a store at rediss:// with the fewest rights", {
  tls: true,
  acl: { user: "qsp", password: "p@:/?#,% ä", rules: leastRules },
});

export const redisByIoredis: StoreKind = {
  name: "a store on an ioredis client",
  reach: "nodes",
  async start() {
    const server = await startRedisServer();
    return placeAt(server, () => {
      const client = new Redis(server.port);
      return onBrought(fromIoredis(client), () => client.disconnect());
    });
  },
};

export const redisByNodeRedis: StoreKind = {
  name: "a store on a node-redis client",
  reach: "nodes",
  async start() {
    const server = await startRedisServer();
    return placeAt(server, async () => {
      const client = createClient({ url: server.url });
      client.on("error", () => {});
      await client.connect();
      return onBrought(fromNodeRedis(client), () => client.destroy());
    });
  },
};

export const clusterByUrl: StoreKind = {
  name: "a store at redis+cluster://",
  reach: "nodes",
  async start() {
    const cluster = await startRedisCluster();
    return placeAt(cluster, () => connectRedis(addressOf(cluster.url), { timeout }));
  },
};

export const clusterByIoredis: StoreKind = {
  name: "a store on a Cluster of ioredis",
  reach: "nodes",
  async start() {
    const cluster = await startRedisCluster();
    return placeAt(cluster, () => {
      const client = new Cluster(cluster.masters.map(({ port }) => ({ host: "127.0.0.1", port })));
      return onBrought(fromIoredis(client), () => client.disconnect());
    });
  },
};

export const clusterByNodeRedis: StoreKind = {
  name: "a store on a cluster of node-redis",
  reach: "nodes",
  async start() {
    const cluster = await startRedisCluster();
    return placeAt(cluster, async () => {
      const client = createCluster({
        rootNodes: cluster.masters.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` })),
      });
      client.on("error", () => {});
      await client.connect();
      return onBrought(fromNodeRedis(client), () => client.destroy());
    });
  },
};

export const sentinelByUrl: StoreKind = {
  name: "a store at redis+sentinel://",
  reach: "nodes",
  async start() {
    const sentinels = await startRedisSentinels();
    return placeAt(sentinels, () => connectRedis(addressOf(sentinels.url), { timeout }));
  },
};
