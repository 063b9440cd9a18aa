import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { startRedisServer } from "../support/redis-server.ts";
import type { TestSocket } from "../support/stack.ts";
import { keptUntil } from "./kept.ts";
import { figure, milliseconds, seconds } from "./figure.ts";
import { namesOf } from "./known-users.ts";
import { countNames } from "./load.ts";
import { proofNumber } from "./proof-size.ts";
import { soakUser } from "./soak-user.ts";
import { patientTimeouts, startWorld } from "./world.ts";

/*
 * The tenant lets no session live longer than five seconds and does not say so, while fifty people work with the vendor's
 * client, plain HTTP and sockets that stay open. None of them sees an error.
 */

/** Longer than the window in which renewals of a session are counted, 30 s. Milliseconds. */
const duration = proofNumber("minutes", 0.55) * 60_000;

const userCount = proofNumber("users", 50);

/** How long a session lives at the tenant, which the nodes take for a day. Milliseconds. */
const sessionLifetime = 5000;

const keep = keptUntil(afterEach);

test(
  `${userCount} people work for ${seconds(duration)}, their sessions live for 5 s, and they see no error`,
  async () => {
    const redis = keep(await startRedisServer());
    const world = keep(
      await startWorld({
        store: redis.url,
        tenant: { sessionLifetime },
        config: { timeouts: patientTimeouts },
      }),
    );
    const users = namesOf(userCount);
    // Everybody comes within a second, as people do; the engine takes a user from the first login on.
    const until = performance.now() + duration;
    const open: TestSocket[] = [];
    const working = users.map(async (user, index) => {
      await sleep((1000 * index) / userCount);
      const report = soakUser(world, user, until);
      open.push(world.socket(index % world.nodes.length, user));
      return report;
    });
    const reports = await Promise.all(working);
    const logins = world.ledger.logins();
    const errors = reports.flatMap((report) => report.errors);
    const closed = open.filter(({ ws }) => ws.readyState !== ws.OPEN).length;
    figure("soak", {
      users: userCount,
      lasted: seconds(duration),
      rounds: reports.reduce((sum, { rounds }) => sum + rounds, 0),
      "longest round": milliseconds(Math.max(...reports.map(({ longest }) => longest))),
      logins,
      "sockets lost": closed,
      "errors seen": errors.length,
    });
    expect(countNames(errors)).toEqual({});
    expect(closed).toBe(0);
    // Half of what the clock allows at the most: whoever does nothing for a moment logs in later.
    expect(logins).toBeGreaterThanOrEqual((userCount * duration) / sessionLifetime / 2);
    expect(world.nodes.map(({ isAlive }) => isAlive)).toEqual([true, true, true]);
  },
  duration + 60_000,
);
