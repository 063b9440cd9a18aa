import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRedisServer } from "../support/redis-server.ts";
import { keptUntil } from "./kept.ts";
import { figure, seconds } from "./figure.ts";
import { countNames, nameOf } from "./load.ts";
import { markOf, markPath, type User } from "./node-client.ts";
import { proofNumber } from "./proof-size.ts";
import { patientTimeouts, startWorld, type World } from "./world.ts";

/*
 * All sessions run out at once at the tenant while their users are at work. Each user is logged in again once, within
 * the rate of logins that the tenant takes; nobody sees more than a "come back in N seconds".
 */

const userCount = proofNumber("users", 1000);

/** The long form uses the product's default, 100 a minute; short runs have no ten minutes. */
const loginsPerMinute = proofNumber("logins-per-minute", 6000);

/** The queue is passed twice, and needs a minute for each portion; as much again for everything else. Milliseconds. */
const longestRun = 60_000 + 4 * 60_000 * (userCount / loginsPerMinute);

const users: readonly User[] = Array.from({ length: userCount }, (_, index) => `user-${index}`);

const keep = keptUntil(afterAll);

let world: World;

beforeAll(async () => {
  const redis = keep(await startRedisServer());
  world = keep(
    await startWorld({
      store: redis.url,
      config: { limits: { loginsPerMinute }, timeouts: patientTimeouts },
    }),
  );
});

/** Who waits for an answer, and how it went. */
interface Served {
  readonly user: User;
  /** From the first request to the first answer of the user's own. Milliseconds. */
  readonly ms: number;
  /** The answers before it. */
  readonly before: readonly string[];
}

/** Asks until the user is served, as a client does that heeds `Retry-After`. */
async function untilServed(user: User, place: number): Promise<Served> {
  const since = performance.now();
  const before: string[] = [];
  for (;;) {
    const outcome = await world.ask(place, user, markPath);
    if (markOf(outcome) === user) return { user, ms: performance.now() - since, before };
    before.push(nameOf(outcome));
    const wait = outcome.kind === "answered" ? outcome.retryAfter * 1000 : 0;
    await sleep(Math.max(100, wait));
  }
}

/** Lets all users come within so many milliseconds, whether the first of them are served by then or not. */
function serveAll(within: number): Promise<readonly Served[]> {
  return Promise.all(
    users.map(async (user, index) => {
      await sleep((within * index) / users.length);
      return untilServed(user, index % world.nodes.length);
    }),
  );
}

/** The first logins are not what is proved: 100 in a second leave the machine room for other tests. Milliseconds. */
const comeWithin = 10 * userCount;

/** All have a page open that asks for something every few seconds. Milliseconds. */
const noticeWithin = 3000;

test(
  `${userCount} sessions that expire at once cost one login each`,
  async () => {
    await serveAll(comeWithin);
    const first = world.ledger.loginsBySubject();
    expect([...first.values()].every((count) => count === 1)).toBe(true);
    expect(first.size).toBe(userCount);
    world.ledger.reset();
    expect(world.tenant.sessions.expire()).toBe(userCount);
    const served = await serveAll(noticeWithin);
    const logins = world.ledger.loginsBySubject();
    const answersBefore = countNames(served.flatMap(({ before }) => before));
    figure("mass expiry", {
      users: userCount,
      "logins a minute": loginsPerMinute,
      logins: world.ledger.logins(),
      "most logins of a user": Math.max(...logins.values()),
      "longest wait": seconds(Math.max(...served.map(({ ms }) => ms))),
      "answers other than 200": JSON.stringify(answersBefore),
    });
    expect(logins.size).toBe(userCount);
    expect([...logins.values()].filter((count) => count !== 1)).toEqual([]);
    // Waiting is the only thing that a user may be asked for.
    expect(Object.keys(answersBefore).filter((name) => name !== "503QSP-BUSY")).toEqual([]);
  },
  longestRun,
);
