import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { keptUntil } from "./kept.ts";
import { figure, milliseconds } from "./figure.ts";
import { becomeKnown, namesOf } from "./known-users.ts";
import { countNames, nameOf, startLoad } from "./load.ts";
import { markPath, type Outcome, type User } from "./node-client.ts";
import { untilReadiness } from "./node-process.ts";
import { longestProof } from "./proof-size.ts";
import { startWorld, type World } from "./world.ts";

/*
 * Redis is killed and comes back while three nodes are at work: people who are in stay in, new ones are asked to wait,
 * nobody gets what is another's, and nothing needs an operator.
 */

/** How long Redis is away. Milliseconds; longer than every time-out and retry between, shorter than `storeGrace`. */
const outage = 4000;

const keep = keptUntil(afterEach);

let redis: RedisServer;
let world: World;

async function start(persistent: boolean, session: Readonly<Record<string, unknown>> = {}): Promise<void> {
  redis = keep(await startRedisServer({ persistent }));
  world = keep(await startWorld({ store: redis.url, config: { session } }));
}

const logOut = (place: number, user: User): Promise<Outcome> =>
  world.ask(place, user, "/_session", { method: "DELETE", headers: { origin: world.door.origin } });

const askAll = async (user: User): Promise<readonly string[]> =>
  (await Promise.all(world.nodes.map((_, place) => world.ask(place, user, markPath)))).map(nameOf);

/** A way in which Redis goes away and comes back. */
interface Outage {
  readonly name: string;
  /** Whether what was written is there again afterwards. */
  readonly persistent: boolean;
  readonly strike: (server: RedisServer) => unknown;
  readonly mend: (server: RedisServer) => unknown;
}

const outages: readonly Outage[] = [
  {
    name: "killed, and comes back with what it held",
    persistent: true,
    strike: (server) => server.kill(),
    mend: (server) => server.restart(),
  },
  {
    name: "killed, and comes back empty",
    persistent: false,
    strike: (server) => server.kill(),
    mend: (server) => server.restart(),
  },
  {
    name: "silent, with its connections open",
    persistent: true,
    strike: (server) => server.pause(),
    mend: (server) => server.resume(),
  },
];

test.each(outages)(
  "Redis is $name: people who are in do not notice",
  async ({ name, ...way }) => {
    await start(way.persistent);
    const known = await becomeKnown(world, namesOf(20));
    expect(await askAll("ida;first")).toEqual(["200", "200", "200"]);
    expect(nameOf(await logOut(0, "ida;first"))).toBe("204");
    const load = startLoad(world, { users: known.users, workers: 12, pause: 20 });
    await sleep(1000);
    world.ledger.reset();

    const struckAt = performance.now();
    await way.strike(redis);
    const red = await untilReadiness(world.nodes, 503);
    const strangers = await askAll("a stranger");
    await sleep(Math.max(0, struckAt + outage - performance.now()));
    const served = load.tally().answered;
    const loginsMeanwhile = world.ledger.logins();

    await way.mend(redis);
    const green = await untilReadiness(world.nodes, 200);
    expect(await askAll("a stranger")).toEqual(["200", "200", "200"]);
    await sleep(1500);
    const tally = await load.stop();
    const failures = countNames(tally.failures.map(({ what }) => what));
    figure(`Redis ${name}, ${outage / 1000} s later`, {
      requests: tally.requests,
      "failed requests": tally.failures.length,
      failures: JSON.stringify(failures),
      "longest answer": milliseconds(tally.longest),
      "readiness red after": milliseconds(red),
      "green again after": milliseconds(green),
      "sockets lost": known.sockets.length - known.openSockets(),
      "logins of known users": world.ledger.logins() - 1,
    });
    expect(tally.mixed).toEqual([]);
    expect(world.nodes.map(({ isAlive }) => isAlive)).toEqual([true, true, true]);
    expect(known.openSockets()).toBe(known.sockets.length);
    expect(served).toBeGreaterThan(0);
    expect(failures).toEqual({});
    // Fails closed for people whom no node knows, without a login at the tenant.
    expect(strangers).toEqual(Array(3).fill("503QSP-STORE"));
    expect(loginsMeanwhile).toBe(0);
    expect(world.ledger.logins()).toBe(1);
    // An end is remembered by the nodes, also where Redis has lost it.
    expect(await askAll("ida;first")).toEqual(Array(3).fill("401QSP-UNAUTHENTICATED"));
  },
  longestProof,
);

test(
  "nodes that start while Redis is away refuse people, and are ready by themselves as soon as it is there",
  async () => {
    redis = keep(await startRedisServer({ persistent: true }));
    await redis.kill();
    world = keep(await startWorld({ store: redis.url, isUnready: true }));
    expect(await askAll("mia")).toEqual(Array(3).fill("503QSP-STORE"));
    expect(world.ledger.logins()).toBe(0);
    // More than the time in which a node may be lucky: it has noticed, and given its first try up.
    await sleep(2000);
    await redis.restart();
    // No request wakes them: a front door sends none to a node that is not ready.
    const green = await untilReadiness(world.nodes, 200);
    figure("start without Redis", { "ready after it is there": milliseconds(green) });
    expect(await askAll("mia")).toEqual(["200", "200", "200"]);
    expect(world.ledger.logins()).toBe(1);
  },
  longestProof,
);

test(
  "after storeGrace without Redis, people who are in are refused too, and served again when it is back",
  async () => {
    await start(true, { storeGrace: "2s" });
    const known = await becomeKnown(world, namesOf(3));
    await redis.kill();
    await untilReadiness(world.nodes, 503);
    expect((await Promise.all(known.users.map(askAll))).flat()).toEqual(Array(9).fill("200"));
    await vi.waitFor(
      async () => {
        const answers = await Promise.all(known.users.map(askAll));
        expect(answers.flat()).toEqual(Array(9).fill("503QSP-STORE"));
      },
      { timeout: 10_000, interval: 100 },
    );
    await redis.restart();
    await untilReadiness(world.nodes, 200);
    const logins = world.ledger.logins();
    expect((await Promise.all(known.users.map(askAll))).flat()).toEqual(Array(9).fill("200"));
    expect(world.ledger.logins()).toBe(logins);
  },
  longestProof,
);

test(
  "a log-out while Redis is away counts at once where it was asked for, and everywhere as soon as Redis is back",
  async () => {
    await start(true);
    const sockets = [0, 1, 2].map((place) => ({ place, user: "jon;first" }));
    expect(await askAll("jon;first")).toEqual(["200", "200", "200"]);
    const open = sockets.map(({ place, user }) => world.socket(place, user));
    await Promise.all(open.map((socket) => socket.message()));
    await redis.kill();
    await untilReadiness(world.nodes, 503);
    expect(nameOf(await logOut(0, "jon;first"))).toBe("503QSP-STORE");
    const own = await Promise.race([open[0]?.closed, sleep(1000)]);
    expect(own?.code).toBe(4203);
    expect(nameOf(await world.ask(0, "jon;first", markPath))).toBe("401QSP-UNAUTHENTICATED");
    const since = performance.now();
    await redis.restart();
    const closed = await Promise.all(open.map((socket) => socket.closed));
    const ms = performance.now() - since;
    figure("log-out while Redis is away", { "everywhere after its return": milliseconds(ms) });
    expect(closed.map(({ code }) => code)).toEqual([4203, 4203, 4203]);
    expect(await askAll("jon;first")).toEqual(Array(3).fill("401QSP-UNAUTHENTICATED"));
    await vi.waitFor(() => expect(world.tenant.sessions.list()).toEqual([]), { timeout: 5000, interval: 20 });
  },
  longestProof,
);
