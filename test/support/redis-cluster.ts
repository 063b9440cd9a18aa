import { type RedisProcess, startRedisProcess, until } from "./redis-process.ts";
import { commonConfig } from "./redis-server.ts";

/** How a test wants its cluster. */
export interface RedisClusterOptions {
  /** 3 by default, the fewest that can vote. */
  readonly masters?: number;
  /** Replicas of each master; 0 by default. */
  readonly replicas?: number;
  /** After how long a silent node counts as failed. Milliseconds; 1000 by default. */
  readonly nodeTimeout?: number;
}

/** A cluster on loopback. */
export interface RedisCluster {
  /** What `session.store` would say. */
  readonly url: string;
  /** The nodes that began as masters; slots are split evenly between them. */
  readonly masters: readonly RedisProcess[];
  readonly replicas: readonly RedisProcess[];
  /** Kills all nodes and removes their folders; idempotent. */
  close(): Promise<void>;
}

/** Slots of a cluster, by its specification. */
const allSlots = 16_384;

async function join(nodes: readonly RedisProcess[]): Promise<void> {
  // Everybody meets everybody: gossip alone takes seconds.
  for (const node of nodes) {
    for (const other of nodes) {
      if (other !== node) await node.ask("CLUSTER", "MEET", "127.0.0.1", String(other.port));
    }
  }
  await until("all nodes know each other", async () => {
    const lists = await Promise.all(nodes.map((node) => node.ask("CLUSTER", "NODES")));
    return lists.every((list) => list.split("\n").length === nodes.length && !list.includes("handshake"));
  });
}

async function shareSlots(masters: readonly RedisProcess[]): Promise<void> {
  const share = allSlots / masters.length;
  for (const [index, node] of masters.entries()) {
    const [first, last] = [Math.round(index * share), Math.round((index + 1) * share) - 1];
    await node.ask("CLUSTER", "ADDSLOTSRANGE", String(first), String(last));
    // Each its own epoch, so that none is negotiated while a test is running.
    await node.ask("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
  }
}

async function follow(replica: RedisProcess, master: RedisProcess): Promise<void> {
  await replica.ask("CLUSTER", "REPLICATE", await master.ask("CLUSTER", "MYID"));
  await until("a replica has its data", async () =>
    (await replica.ask("INFO", "replication")).includes("master_link_status:up"),
  );
}

/** Starts a cluster and waits until all its nodes call it whole. Whoever starts it closes it. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { masters: count = 3, replicas: replicasEach = 0, nodeTimeout = 1000 } = options;
  const nodes: RedisProcess[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.close()));
  };
  try {
    for (let index = 0; index < count * (1 + replicasEach); index += 1) {
      nodes.push(
        await startRedisProcess({
          command: "redis-server",
          config: (port, folder) => [
            ...commonConfig(folder),
            `port ${port}`,
            "cluster-enabled yes",
            `cluster-node-timeout ${nodeTimeout}`,
          ],
        }),
      );
    }
    const [masters, replicas] = [nodes.slice(0, count), nodes.slice(count)];
    await shareSlots(masters);
    await join(nodes);
    await Promise.all(
      replicas.map((replica, index) => follow(replica, masters[index % count] as RedisProcess)),
    );
    await until("the cluster is whole", async () => {
      const states = await Promise.all(nodes.map((node) => node.ask("CLUSTER", "INFO")));
      return states.every((state) => state.includes("cluster_state:ok"));
    });
    const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`).join(",");
    return { url: `redis+cluster://${hosts}`, masters, replicas, close };
  } catch (error) {
    await close();
    throw error;
  }
}
