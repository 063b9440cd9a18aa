import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { startRedisServer } from "../support/redis-server.ts";
import { keptUntil } from "./kept.ts";
import { figure, milliseconds, seconds } from "./figure.ts";
import { markOf, markPath, type Outcome, type User } from "./node-client.ts";
import { longestProof } from "./proof-size.ts";
import { slowLogins, startWorld, type World } from "./world.ts";

/*
 * Three processes, one Redis, a tenant whose login takes three seconds: however many first requests a user makes, and
 * wherever they arrive, the tenant sees one login.
 */

/** How long a login takes. Milliseconds. */
const slowness = 3000;

const keep = keptUntil(afterEach);

let world: World;

async function start(): Promise<void> {
  const redis = keep(await startRedisServer());
  world = keep(await startWorld({ store: redis.url }));
  slowLogins(world, slowness);
}

/** First requests of a user, spread over the nodes in these places. */
function requests(user: User, count: number, places: readonly number[]): Promise<Outcome>[] {
  return Array.from({ length: count }, (_, index) =>
    world.ask(places[index % places.length] ?? 0, user, markPath),
  );
}

const statusOf = (outcome: Outcome): number | string =>
  outcome.kind === "answered" ? `${outcome.status}${outcome.code}` : outcome.kind;

/** How many outcomes there are of each kind. */
function counted(outcomes: readonly Outcome[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[statusOf(outcome)] = (counts[statusOf(outcome)] ?? 0) + 1;
  return counts;
}

/** Waits until a login of the user is at the tenant. */
const loginArrived = (user: User, count = 1): Promise<void> =>
  vi.waitFor(() => expect(world.ledger.logins(user)).toBe(count), { timeout: 10_000, interval: 10 });

/** The sessions that the tenant has for a user. */
const tenantSessions = (user: User): readonly string[] =>
  world.tenant.sessions
    .list()
    .filter(({ subject }) => subject === user)
    .map(({ id }) => id);

test(
  "60 first requests of one user over three nodes cause one login",
  async () => {
    await start();
    const since = performance.now();
    const outcomes = await Promise.all(requests("ann", 60, [0, 1, 2]));
    const ms = performance.now() - since;
    figure("one login", {
      nodes: 3,
      requests: outcomes.length,
      logins: world.ledger.logins("ann"),
      "all answered after": milliseconds(ms),
    });
    expect(counted(outcomes)).toEqual({ 200: 60 });
    expect(new Set(outcomes.map(markOf))).toEqual(new Set(["ann"]));
    expect(world.ledger.logins()).toBe(1);
    expect(tenantSessions("ann")).toHaveLength(1);
  },
  longestProof,
);

test(
  "a node that is killed while it logs in costs one more login, and no request at the others",
  async () => {
    await start();
    const lost = requests("ben", 20, [0]);
    await loginArrived("ben");
    const since = performance.now();
    const living = requests("ben", 40, [1, 2]);
    await sleep(slowness / 3);
    await world.nodes[0]?.kill();
    const outcomes = await Promise.all(living);
    const ms = performance.now() - since;
    const atTheKilled = counted(await Promise.all(lost));
    figure("one login, its node killed", {
      requests: outcomes.length,
      logins: world.ledger.logins("ben"),
      "all answered after": seconds(ms),
      "lost at the killed node": atTheKilled["lost"] ?? 0,
    });
    expect(counted(outcomes)).toEqual({ 200: 40 });
    expect(new Set(outcomes.map(markOf))).toEqual(new Set(["ben"]));
    expect(world.ledger.logins("ben")).toBeLessThanOrEqual(2);
  },
  longestProof,
);

test(
  "a node that stands still while it logs in does not write over the session that another made",
  async () => {
    await start();
    const standing = requests("cem", 20, [0]);
    await loginArrived("cem");
    await sleep(slowness / 3);
    world.nodes[0]?.pause();
    const living = requests("cem", 40, [1, 2]);
    await sleep(2 * slowness);
    world.nodes[0]?.resume();
    const outcomes = await Promise.all(living);
    expect(counted(outcomes)).toEqual({ 200: 40 });
    const [newest] = world.ledger.sessionsUsed("cem");
    const late = await Promise.all(standing);
    // The login that came too late is undone at the tenant; what is left is the session that the others use.
    await vi.waitFor(() => expect(tenantSessions("cem")).toEqual([newest]), {
      timeout: 10_000,
      interval: 20,
    });
    const afterwards = await Promise.all(requests("cem", 30, [0, 1, 2]));
    figure("one login, its node stopped for 6 s", {
      requests: outcomes.length,
      logins: world.ledger.logins("cem"),
      "tenant sessions left": tenantSessions("cem").length,
      "answers at the stopped node": JSON.stringify(counted(late)),
    });
    expect(counted(late)).toEqual({ 200: 20 });
    expect(counted(afterwards)).toEqual({ 200: 30 });
    expect(world.ledger.logins("cem")).toBe(2);
    expect(world.ledger.sessionsUsed("cem")).toEqual(new Set([newest]));
    expect(tenantSessions("cem")).toEqual([newest]);
  },
  longestProof,
);
