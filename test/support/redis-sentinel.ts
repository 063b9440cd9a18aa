import { type RedisProcess, startRedisProcess, until } from "./redis-process.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";

/** How a test wants its sentinels. */
export interface RedisSentinelsOptions {
  /** 1 by default. */
  readonly replicas?: number;
  /** 3 by default, of which two have to agree. */
  readonly sentinels?: number;
  /** After how long a silent master counts as down. Milliseconds; 1000 by default. */
  readonly downAfter?: number;
}

/** A master, its replicas, and the sentinels that watch over them, on loopback. */
export interface RedisSentinels {
  /** What `session.store` would say. */
  readonly url: string;
  /** The name of the master at the sentinels. */
  readonly name: string;
  /** The server that began as master. */
  readonly master: RedisServer;
  readonly replicas: readonly RedisServer[];
  readonly sentinels: readonly RedisProcess[];
  /** The server that the sentinels call the master now. */
  currentMaster(): Promise<RedisServer>;
  /** Kills all of them and removes their folders; idempotent. */
  close(): Promise<void>;
}

const name = "sessions";

/** How many sentinels have to call a master down. */
const quorum = 2;

function startSentinel(master: RedisProcess, downAfter: number): Promise<RedisProcess> {
  return startRedisProcess({
    command: "redis-sentinel",
    config: (port, folder) => [
      "bind 127.0.0.1",
      "protected-mode no",
      `port ${port}`,
      `dir ${folder}`,
      `sentinel monitor ${name} 127.0.0.1 ${master.port} ${quorum}`,
      `sentinel down-after-milliseconds ${name} ${downAfter}`,
      // A failed election is tried again after twice this time.
      `sentinel failover-timeout ${name} 3000`,
    ],
  });
}

/** What a sentinel knows about the master: the fields of `SENTINEL MASTER`. */
async function masterFields(sentinel: RedisProcess): Promise<ReadonlyMap<string, string>> {
  const lines = (await sentinel.ask("SENTINEL", "MASTER", name)).split("\n");
  return new Map(lines.flatMap((line, at) => (at % 2 === 0 ? [[line, lines[at + 1] ?? ""]] : [])));
}

/** Starts them and waits until the sentinels know each other and every replica. Whoever starts them closes them. */
export async function startRedisSentinels(options: RedisSentinelsOptions = {}): Promise<RedisSentinels> {
  const { replicas: replicaCount = 1, sentinels: sentinelCount = 3, downAfter = 1000 } = options;
  const started: RedisProcess[] = [];
  const keep = async <Started extends RedisProcess>(starting: Promise<Started>): Promise<Started> => {
    const server = await starting;
    started.push(server);
    return server;
  };
  const close = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.close()));
  };
  try {
    const master = await keep(startRedisServer());
    const replicas: RedisServer[] = [];
    for (let index = 0; index < replicaCount; index += 1) {
      replicas.push(await keep(startRedisServer({ config: [`replicaof 127.0.0.1 ${master.port}`] })));
    }
    await until("every replica has its data", async () => {
      const states = await Promise.all(replicas.map((replica) => replica.ask("INFO", "replication")));
      return states.every((state) => state.includes("master_link_status:up"));
    });
    const sentinels: RedisProcess[] = [];
    for (let index = 0; index < sentinelCount; index += 1) {
      sentinels.push(await keep(startSentinel(master, downAfter)));
    }
    await until("the sentinels know each other", async () => {
      const known = await Promise.all(sentinels.map(masterFields));
      return known.every(
        (fields) =>
          fields.get("num-other-sentinels") === String(sentinelCount - 1) &&
          fields.get("num-slaves") === String(replicaCount),
      );
    });
    const currentMaster = async (): Promise<RedisServer> => {
      const port = (await masterFields(sentinels[0] as RedisProcess)).get("port");
      const found = [master, ...replicas].find((server) => String(server.port) === port);
      if (!found) throw new Error(`no server on port ${port}`);
      return found;
    };
    const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",");
    return {
      url: `redis+sentinel://${hosts}/${name}`,
      name,
      master,
      replicas,
      sentinels,
      currentMaster,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
