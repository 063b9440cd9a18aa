import { afterEach, expect, test } from "vitest";
import { createRandom } from "../../src/emulator/engine/random.ts";
import { type RedisSentinels, startRedisSentinels } from "../support/redis-sentinel.ts";
import { figure, seconds } from "./figure.ts";
import { namesOf } from "./known-users.ts";
import { countNames, startLoad } from "./load.ts";
import { proofNumber } from "./proof-size.ts";
import { startWorld, type World } from "./world.ts";

/*
 * The one thing with no tolerance: whatever happens at once, no user gets a byte that is another's. Clients leave in the
 * middle, the tenant forgets sessions, and the master of Redis is killed. Every answer carries the mark of its user.
 */

const requests = proofNumber("requests", 30_000);
const userCount = 50;

/** Each time one user's session runs out at the tenant: all users about every ten seconds. Milliseconds. */
const expireEvery = 200;

/** Refusals that are honest while a master is missing, or while many log in. */
const honest: ReadonlySet<string> = new Set(["503QSP-STORE", "503QSP-BUSY"]);

let redis: RedisSentinels;
let world: World;

afterEach(async () => {
  await world.close();
  await redis.close();
});

test(
  `${requests} requests of ${userCount} users, none of whom gets another's answer`,
  async () => {
    redis = await startRedisSentinels();
    world = await startWorld({ store: redis.url });
    const users = namesOf(userCount);
    const random = createRandom(1);
    const since = performance.now();
    const load = startLoad(world, { users, workers: 60, abortShare: 0.15, requests });
    let isKilled = false;
    let expired = 0;
    const trouble = setInterval(() => {
      expired += world.tenant.sessions.expire(random.pick(users));
      if (isKilled || load.tally().requests < requests / 2) return;
      isKilled = true;
      void redis.master.kill();
    }, expireEvery);
    const tally = await load.done;
    clearInterval(trouble);
    const failures = countNames(tally.failures.map(({ what }) => what));
    figure("mixing", {
      requests: tally.requests,
      "answered 200": tally.answered,
      "client left": tally.aborted,
      failures: JSON.stringify(failures),
      "sessions expired": expired,
      logins: world.ledger.logins(),
      "mixed answers": tally.mixed.length,
      took: seconds(performance.now() - since),
    });
    expect(tally.mixed).toEqual([]);
    expect(isKilled).toBe(true);
    expect(tally.aborted).toBeGreaterThan(0);
    expect(world.nodes.map(({ isAlive }) => isAlive)).toEqual([true, true, true]);
    expect(Object.keys(failures).filter((what) => !honest.has(what))).toEqual([]);
  },
  // 100 requests a second are far below what any machine does. Milliseconds.
  60_000 + requests * 10,
);
