import { type RedisClient, scanStep } from "./redis-client.ts";
import { keepListening, type Listen, longestSetup } from "./redis-listening.ts";

/** What is used of a `Redis` of ioredis, or of iovalkey. */
export interface IoredisClient {
  call(command: string, ...args: string[]): Promise<unknown>;
  duplicate(override: object): IoredisListener;
}

/** What is used of a `Cluster` of ioredis, or of iovalkey. */
export interface IoredisCluster {
  call(command: string, ...args: string[]): Promise<unknown>;
  nodes(role: "all" | "master"): IoredisClient[];
}

/** What is used of the connection that listens. */
export interface IoredisListener {
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  on(event: "message", listener: (channel: string, message: string) => void): unknown;
  subscribe(channel: string): Promise<unknown>;
  disconnect(): void;
}

/** The one connection that listens: it is tried once, because `keepListening` makes the next one. */
const listenerOptions = {
  lazyConnect: false,
  readOnly: false,
  retryStrategy: null,
  // Only while it signs in: ours is the limit after that.
  commandTimeout: longestSetup,
  connectTimeout: longestSetup,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: true,
  autoResubscribe: false,
  // For Sentinel: one look for the master, and no connections that watch for the next one.
  sentinelRetryStrategy: null,
  failoverDetector: false,
};

/**
 * Lets the store use a client of ioredis, a `Redis` or a `Cluster`. It stays yours: the store opens one more connection
 * with the same options, to listen, and closes only that.
 */
export function fromIoredis(client: IoredisClient | IoredisCluster): RedisClient {
  return {
    eval: (script, keys, args) => client.call("EVAL", script, String(keys.length), ...keys, ...args),
    scan: (pattern) => scanAll("nodes" in client ? client.nodes("master") : [client], pattern),
    publish: (channel, message) => client.call("PUBLISH", channel, message),
    subscribe: (channel, hear) => keepListening(listenOn(client, channel), hear),
  };
}

async function* scanAll(
  masters: readonly IoredisClient[],
  pattern: string,
): AsyncGenerator<readonly string[]> {
  for (const master of masters) {
    let cursor = "0";
    do {
      const reply = await master.call("SCAN", cursor, "MATCH", pattern, "COUNT", String(scanStep));
      const [next, keys] = reply as [unknown, readonly unknown[]];
      cursor = String(next);
      yield keys.map(String);
    } while (cursor !== "0");
  }
}

function listenOn(client: IoredisClient | IoredisCluster, channel: string): Listen {
  return ({ hear, ready, broken }) => {
    const connection = nodeOf(client).duplicate(listenerOptions);
    connection.on("error", () => {});
    connection.on("end", broken);
    connection.on("message", (from, message) => {
      if (from === channel) hear(message);
    });
    connection.subscribe(channel).then(ready, broken);
    return () => connection.disconnect();
  };
}

/** A server to listen to: in a cluster any node does, for they pass messages on to each other. */
function nodeOf(client: IoredisClient | IoredisCluster): IoredisClient {
  if (!("nodes" in client)) return client;
  const nodes = client.nodes("all");
  const node = nodes[Math.floor(Math.random() * nodes.length)];
  if (!node) throw new Error("no node of the cluster is known");
  return node;
}
