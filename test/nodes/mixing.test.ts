import { afterEach, expect, test } from "vitest";
import { startRedisSentinels } from "../support/redis-sentinel.ts";
import { keptUntil } from "./kept.ts";
import { figure, seconds } from "./figure.ts";
import { namesOf } from "./known-users.ts";
import { countNames, startLoad } from "./load.ts";
import { proofNumber } from "./proof-size.ts";
import { startWorld } from "./world.ts";

/*
 * The one thing with no tolerance: whatever happens at once, no user gets a byte that is another's. Clients leave in the
 * middle, the tenant forgets sessions, and the master of Redis is killed. Every answer carries the mark of its user.
 */

const requests = proofNumber("requests", 8000);
const userCount = 50;

/** Each time the next user's session runs out at the tenant: every user's every ten seconds. Milliseconds. */
const expireEvery = 200;

/** Refusals that are honest while a master is missing, or while many log in. */
const honest: ReadonlySet<string> = new Set(["503QSP-STORE", "503QSP-BUSY"]);

const keep = keptUntil(afterEach);

test(
  `${requests} requests of ${userCount} users, none of whom gets another's answer`,
  async () => {
    const redis = keep(await startRedisSentinels());
    const world = keep(await startWorld({ store: redis.url }));
    const users = namesOf(userCount);
    const since = performance.now();
    const load = startLoad(world, { users, workers: 60, abortShare: 0.15, requests });
    let isKilled = false;
    let expired = 0;
    let turn = 0;
    const trouble = setInterval(() => {
      expired += world.tenant.sessions.expire(users[turn++ % userCount]);
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
