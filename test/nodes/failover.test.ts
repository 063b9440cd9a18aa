import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { startRedisCluster } from "../support/redis-cluster.ts";
import { until } from "../support/redis-process.ts";
import { startRedisSentinels } from "../support/redis-sentinel.ts";
import { keptUntil } from "./kept.ts";
import { figure, milliseconds } from "./figure.ts";
import { becomeKnown, namesOf } from "./known-users.ts";
import { countNames, startLoad, troubleAfter } from "./load.ts";
import { startNewcomers } from "./newcomers.ts";
import { untilReadiness } from "./node-process.ts";
import { longestProof } from "./proof-size.ts";
import { startWorld } from "./world.ts";

/*
 * A master of Redis is killed while three nodes are at work, and another server takes its place. People who are in do
 * not notice; who comes meanwhile waits until there is a master again.
 */

/** A store whose master can be lost. */
interface ReplicatedStore {
  readonly url: string;
  /** Kills a master; resolves when another has taken its place. */
  fail(): Promise<void>;
  close(): Promise<void>;
}

async function sentinels(): Promise<ReplicatedStore> {
  const store = await startRedisSentinels();
  return {
    url: store.url,
    async fail() {
      await store.master.kill();
      await until("another master", async () => (await store.currentMaster()) !== store.master);
    },
    close: store.close,
  };
}

async function cluster(): Promise<ReplicatedStore> {
  const store = await startRedisCluster({ replicas: 1 });
  const [master, other] = store.masters;
  // The first replica follows the first master.
  const [heir] = store.replicas;
  return {
    url: store.url,
    async fail() {
      await master?.kill();
      await until("another master", async () => (await heir?.ask("ROLE"))?.startsWith("master") === true);
      await until("all slots served again", async () =>
        ((await other?.ask("CLUSTER", "INFO")) ?? "").includes("cluster_state:ok"),
      );
    },
    close: store.close,
  };
}

const keep = keptUntil(afterEach);

test.each([
  ["Sentinel, 1 master and 1 replica", sentinels],
  ["Cluster, 3 masters and 3 replicas", cluster],
])(
  "%s: a master is killed under load",
  async (name, startStore) => {
    const store = keep(await startStore());
    const world = keep(await startWorld({ store: store.url }));
    const known = await becomeKnown(world, namesOf(20));
    const load = startLoad(world, { users: known.users, workers: 12, pause: 20 });
    await sleep(1000);
    world.ledger.reset();

    const newcomers = startNewcomers(world, "new");
    await sleep(500);
    const killedAt = performance.now();
    await store.fail();
    const failedOver = performance.now() - killedAt;
    await untilReadiness(world.nodes, 200);
    const green = performance.now() - killedAt;
    await sleep(1500);
    const arrivals = await newcomers.stop();
    const tally = await load.stop();
    const failures = countNames(tally.failures.map(({ what }) => what));
    const logins = world.ledger.loginsBySubject();
    figure(name, {
      requests: tally.requests,
      "failed requests": tally.failures.length,
      failures: JSON.stringify(failures),
      "last failure after": milliseconds(troubleAfter(tally, killedAt)),
      "new master after": milliseconds(failedOver),
      "all nodes ready after": milliseconds(green),
      newcomers: arrivals.people,
      "longest wait of a newcomer": milliseconds(arrivals.longestWait),
      "refusals of newcomers": JSON.stringify(countNames(arrivals.refusals)),
      "logins of known users": known.users.filter((user) => logins.has(user)).length,
      "sockets lost": known.sockets.length - known.openSockets(),
    });
    expect([...tally.mixed, ...arrivals.mixed]).toEqual([]);
    expect(world.nodes.map(({ isAlive }) => isAlive)).toEqual([true, true, true]);
    expect(known.openSockets()).toBe(known.sockets.length);
    expect(failures).toEqual({});
    // A newcomer whose first login was overtaken by the failover may need a second one, and nobody more.
    expect(Math.max(...logins.values())).toBeLessThanOrEqual(2);
    expect(Object.keys(countNames(arrivals.refusals)).filter((what) => what !== "503QSP-STORE")).toEqual([]);
  },
  longestProof,
);
