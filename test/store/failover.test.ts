import { Cluster, Redis } from "ioredis";
import { createCluster } from "redis";
import { afterEach, expect, test } from "vitest";
import { connectRedis } from "../../src/store/connect-redis.ts";
import type { RedisClient } from "../../src/store/redis-client.ts";
import { fromIoredis } from "../../src/store/redis-from-ioredis.ts";
import { fromNodeRedis } from "../../src/store/redis-from-node-redis.ts";
import { createRedisStore } from "../../src/store/redis-store.ts";
import type { SessionStore } from "../../src/store/session-store.ts";
import { createLatch } from "../support/latch.ts";
import { observeProcess } from "../support/observed-process.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import { pause, type RedisProcess } from "../support/redis-process.ts";
import { type RedisSentinels, startRedisSentinels } from "../support/redis-sentinel.ts";
import { addressOf } from "./fixtures.ts";

/** As in production. Milliseconds. */
const timeout = 500;

/** A new master is voted for after a second of silence, and some two more; this is for a busy machine. Milliseconds. */
const longestFailover = 20_000;

const closing: (() => unknown)[] = [];
const later = (close: () => unknown): void => void closing.push(close);
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A store that writes all its documents over and over, publishes beats, and remembers how it went. */
interface Load {
  readonly store: SessionStore;
  /** What was refused since the last look. */
  takeRefused(): number;
  /** When every document was last written again, and when a message was last heard. */
  wroteAllAt(): number;
  heardAt(): number;
  /** The highest version that was seen of each document. */
  readonly versions: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** Enough names for every third of a cluster. */
const names = Array.from({ length: 12 }, (_, at) => `s.failover-${at}`);

function startLoad(store: SessionStore): Load {
  let isStopped = false;
  let refused = 0;
  let heardAt = 0;
  const writtenAt = new Map<string, number>();
  const versions = new Map<string, number>();
  store.subscribe(() => {
    heardAt = Date.now();
  });
  const step = async (name: string): Promise<void> => {
    const { version, now } = await store.read(name);
    versions.set(name, Math.max(version, versions.get(name) ?? 0));
    const { written } = await store.write(name, { version, readAt: now, value: "1", keepFor: 60_000 });
    if (written) writtenAt.set(name, Date.now());
  };
  const repeat = async (work: () => Promise<void>): Promise<void> => {
    while (!isStopped) {
      await work().catch(() => (refused += 1));
      await pause(50);
    }
  };
  const running = [
    ...names.map((name) => repeat(() => step(name))),
    repeat(async () => store.publish(`beat ${Math.random()}`)),
  ];
  return {
    store,
    versions,
    takeRefused() {
      const taken = refused;
      refused = 0;
      return taken;
    },
    wroteAllAt: () =>
      writtenAt.size < names.length ? 0 : Math.min(...names.map((name) => writtenAt.get(name) ?? 0)),
    heardAt: () => heardAt,
    async stop() {
      isStopped = true;
      await Promise.all(running);
      await store.close();
    },
  };
}

/** Waits until the load runs undisturbed, since a moment. */
async function untilWell(load: Load, since: number): Promise<void> {
  const end = since + longestFailover;
  while (load.wroteAllAt() <= since || load.heardAt() <= since) {
    expect(Date.now(), "all is written and heard again").toBeLessThan(end);
    await pause(20);
  }
}

/** Lets a master fail under load, and prints how long what was not possible. */
async function failUnderLoad(title: string, store: SessionStore, fail: () => unknown): Promise<void> {
  const observed = observeProcess();
  const load = startLoad(store);
  later(() => load.stop());
  later(() => observed.stop());
  await untilWell(load, Date.now());
  load.takeRefused();
  const before = new Map(load.versions);
  await fail();
  const failedAt = Date.now();
  // What was under way when it failed may still have been answered: from here on, nothing is.
  await pause(timeout);
  await untilWell(load, Date.now());
  console.log(
    `${title}: all documents written again after ${load.wroteAllAt() - failedAt} ms, ` +
      `messages after ${load.heardAt() - failedAt} ms at most, ${load.takeRefused()} calls refused`,
  );
  // Writes may be lost with a master, but what is written after it has a higher version all the same.
  const after = await Promise.all(names.map(async (name) => (await store.read(name)).version));
  expect(names.filter((name, at) => (after[at] ?? 0) <= (before.get(name) ?? 0))).toEqual([]);
  expect(observed.uncaught).toEqual([]);
}

async function sentinels(): Promise<RedisSentinels> {
  const started = await startRedisSentinels({ replicas: 2, downAfter: 1000 });
  later(() => started.close());
  return started;
}

async function cluster(): Promise<RedisCluster> {
  const started = await startRedisCluster({ replicas: 1, nodeTimeout: 1000 });
  later(() => started.close());
  return started;
}

const first = (nodes: readonly RedisProcess[]): RedisProcess => nodes[0] as RedisProcess;

function brought(client: RedisClient, end: () => unknown): SessionStore {
  later(end);
  return createRedisStore(client, { timeout });
}

test("a store by URL goes on with the master that the sentinels promote", async () => {
  const { url, master, currentMaster } = await sentinels();
  const store = connectRedis(addressOf(url), { timeout });
  await failUnderLoad("Sentinel, master killed", store, () => master.kill());
  // One sentinel led; the one that is asked may hear of it a moment later.
  await expect.poll(async () => (await currentMaster()).port, { timeout: 15_000 }).not.toBe(master.port);
});

test("a store by URL leaves a master that hangs, and does not go back when it wakes", async () => {
  const { url, master } = await sentinels();
  const store = connectRedis(addressOf(url), { timeout });
  await failUnderLoad("Sentinel, master hangs", store, () => master.pause());
  await store.write("s.new", {
    version: 0,
    readAt: (await store.read("s.new")).now,
    value: "1",
    keepFor: 60_000,
  });
  master.resume();
  for (let round = 0; round < 10; round += 1) {
    const { value } = await store.read("s.new").catch(() => ({ value: "refused" }));
    expect(["1", "refused"]).toContain(value);
    await pause(100);
  }
});

test("a store by URL goes on with the replica that a cluster promotes", async () => {
  const { url, masters } = await cluster();
  const store = connectRedis(addressOf(url), { timeout });
  await failUnderLoad("Cluster, one master killed", store, () => first(masters).kill());
});

test("a store by URL leaves a master of a cluster that hangs", async () => {
  const { url, masters } = await cluster();
  const store = connectRedis(addressOf(url), { timeout });
  await failUnderLoad("Cluster, one master hangs", store, () => first(masters).pause());
});

test("a store on brought clients goes on after a failover", async () => {
  const [trio, nodes] = await Promise.all([sentinels(), cluster()]);
  const redis = new Redis({
    sentinels: trio.sentinels.map(({ port }) => ({ host: "127.0.0.1", port })),
    name: trio.name,
  });
  redis.on("error", () => {});
  const ioredisCluster = new Cluster(nodes.masters.map(({ port }) => ({ host: "127.0.0.1", port })));
  ioredisCluster.on("error", () => {});
  const nodeCluster = createCluster({
    rootNodes: nodes.masters.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` })),
  });
  nodeCluster.on("error", () => {});
  await nodeCluster.connect();
  // One master for two loads: it falls when both are running.
  const bothRun = createLatch();
  let waiting = 2;
  const kill = async (): Promise<void> => {
    waiting -= 1;
    if (waiting === 0) bothRun.open();
    await bothRun.opened;
    await first(nodes.masters).kill();
  };
  await Promise.all([
    failUnderLoad(
      "Sentinel, master killed, brought ioredis",
      brought(fromIoredis(redis), () => redis.disconnect()),
      () => trio.master.kill(),
    ),
    failUnderLoad(
      "Cluster, one master killed, brought ioredis",
      brought(fromIoredis(ioredisCluster), () => ioredisCluster.disconnect()),
      kill,
    ),
    failUnderLoad(
      "Cluster, one master killed, brought node-redis",
      brought(fromNodeRedis(nodeCluster), () => nodeCluster.destroy()),
      kill,
    ),
  ]);
});
