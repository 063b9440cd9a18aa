import { plainMessage } from "./redis-calls.ts";
import type { RedisClient } from "./redis-client.ts";
import { clusterOptions, sentinelOptions, singleOptions } from "./redis-connection-options.ts";
import { fromIoredis } from "./redis-from-ioredis.ts";
import { createRedisStore, type RedisStoreOptions } from "./redis-store.ts";
import type { RedisAddress } from "./redis-url.ts";
import type { SessionStore } from "./session-store.ts";

/** How a store that opens its own connections does so. */
export interface ConnectRedisOptions extends RedisStoreOptions {
  readonly timeout: number;
  /** An authority to trust besides the machine's own. PEM. */
  readonly ca?: string | undefined;
}

/**
 * Makes a store in Redis or Valkey with connections of its own. Returns at once and connects in the background, as
 * often as it takes; until it has, calls wait for their time and then reject. ioredis is loaded here and not before, so
 * that who does not use it does not pay for it.
 */
export function connectRedis(address: RedisAddress, options: ConnectRedisOptions): SessionStore {
  return createRedisStore(ownClient(address, options), options);
}

/** What is used of a client that we made. */
interface OwnConnection {
  readonly port: RedisClient;
  /** The last error since it was connected. */
  trouble(): string | undefined;
  disconnect(): void;
}

function ownClient(address: RedisAddress, options: ConnectRedisOptions): RedisClient {
  const opening = open(address, options);
  let isClosed = false;
  let opened: OwnConnection | undefined;
  opening.then(
    (connection) => (opened = connection),
    () => {},
  );
  return {
    trouble: () => opened?.trouble(),
    eval: async (...args) => (await opening).port.eval(...args),
    publish: async (...args) => (await opening).port.publish(...args),
    async *scan(pattern) {
      yield* (await opening).port.scan(pattern);
    },
    subscribe(channel, hear) {
      let stop = (): void => {};
      let isStopped = false;
      const start = ({ port }: OwnConnection): void => {
        if (!isStopped && !isClosed) stop = port.subscribe(channel, hear);
      };
      opening.then(start, () => {});
      return () => {
        isStopped = true;
        stop();
      };
    },
    async close() {
      isClosed = true;
      const connection = await opening.catch(() => null);
      connection?.disconnect();
    },
  };
}

/** A client that has given up is made to connect again after this. Milliseconds. */
const afterEnd = 500;

async function open(address: RedisAddress, options: ConnectRedisOptions): Promise<OwnConnection> {
  const { Redis, Cluster } = await import("ioredis");
  const client =
    address.kind === "cluster"
      ? new Cluster([...address.nodes], clusterOptions(address, options))
      : new Redis(
          address.kind === "single" ? singleOptions(address, options) : sentinelOptions(address, options),
        );
  let trouble: string | undefined;
  const note = (error: unknown): void => {
    trouble = plainMessage(error);
  };
  client.on("error", note);
  // Of a cluster, that a node is away is told apart from that all are.
  client.on("node error", note);
  client.on("ready", () => {
    trouble = undefined;
  });
  let isClosed = false;
  // A failover that is told of while the client connects can leave it without a connection and without a plan.
  client.on("end", () => {
    if (!isClosed) setTimeout(() => void client.connect().catch(note), afterEnd).unref();
  });
  const disconnect = (): void => {
    isClosed = true;
    client.disconnect();
  };
  return { port: fromIoredis(client), trouble: () => trouble, disconnect };
}
