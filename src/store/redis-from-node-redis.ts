import { type RedisClient, scanStep } from "./redis-client.ts";
import { keepListening, type Listen, type ListeningEvents, longestSetup } from "./redis-listening.ts";

/** What is used of a client that `createClient` of node-redis made. */
export interface NodeRedisClient extends NodeRedisCommands {
  readonly options?: { readonly socket?: object | undefined } | undefined;
  scan(
    cursor: string,
    options: { readonly MATCH: string; readonly COUNT: number },
  ): Promise<{ readonly cursor: unknown; readonly keys: readonly unknown[] }>;
  duplicate(overrides: object): NodeRedisListener;
}

/** What is used of a client that `createCluster` of node-redis made. */
export interface NodeRedisCluster extends NodeRedisCommands {
  readonly masters: readonly unknown[];
  getRandomNode(): unknown;
  nodeClient(node: never): NodeRedisClient | Promise<NodeRedisClient>;
}

/** What is used of either. */
export interface NodeRedisCommands {
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  publish(channel: string, message: string): Promise<unknown>;
}

/** What is used of the connection that listens. */
export interface NodeRedisListener {
  on(event: "error" | "end", listener: () => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  destroy(): unknown;
}

/**
 * Lets the store use a client of node-redis (the package `redis`, from version 5), made by `createClient` or
 * `createCluster`. It stays yours: the store opens one more connection with the same options, to listen, and closes only
 * that.
 */
export function fromNodeRedis(client: NodeRedisClient | NodeRedisCluster): RedisClient {
  return {
    eval: (script, keys, args) => client.eval(script, { keys: [...keys], arguments: [...args] }),
    scan: (pattern) => scanAll(client, pattern),
    publish: (channel, message) => client.publish(channel, message),
    subscribe: (channel, hear) => keepListening(listenOn(client, channel), hear),
  };
}

async function* scanAll(
  client: NodeRedisClient | NodeRedisCluster,
  pattern: string,
): AsyncGenerator<readonly string[]> {
  const masters =
    "nodeClient" in client
      ? client.masters.map(async (node) => client.nodeClient(node as never))
      : [Promise.resolve(client)];
  for (const master of await Promise.all(masters)) {
    let cursor = "0";
    do {
      const { cursor: next, keys } = await master.scan(cursor, { MATCH: pattern, COUNT: scanStep });
      cursor = String(next);
      yield keys.map(String);
    } while (cursor !== "0");
  }
}

function listenOn(client: NodeRedisClient | NodeRedisCluster, channel: string): Listen {
  return (events) => {
    let isClosed = false;
    let connection: NodeRedisListener | undefined;
    const close = (): void => {
      isClosed = true;
      if (connection) destroy(connection);
    };
    const start = async (): Promise<void> => {
      const made = await makeListener(client, events);
      connection = made;
      // It was closed while the cluster was asked for a node.
      if (isClosed) return;
      await made.connect();
      await made.subscribe(channel, events.hear);
      events.ready();
    };
    start().catch(events.broken);
    return close;
  };
}

async function makeListener(
  client: NodeRedisClient | NodeRedisCluster,
  { broken }: ListeningEvents,
): Promise<NodeRedisListener> {
  // In a cluster any node does, for they pass messages on to each other.
  const node = "nodeClient" in client ? await client.nodeClient(client.getRandomNode() as never) : client;
  const made = node.duplicate({
    // It is tried once, because `keepListening` makes the next one.
    socket: { ...node.options?.socket, reconnectStrategy: false, connectTimeout: longestSetup },
  });
  made.on("error", broken);
  made.on("end", broken);
  return made;
}

function destroy(connection: NodeRedisListener): void {
  try {
    connection.destroy();
  } catch {
    // It was not open: nothing to close.
  }
}
