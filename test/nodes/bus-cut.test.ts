import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { keptUntil } from "./kept.ts";
import { figure, milliseconds } from "./figure.ts";
import { nameOf } from "./load.ts";
import { markPath } from "./node-client.ts";
import { longestProof } from "./proof-size.ts";
import { startWorld, type World } from "./world.ts";

/*
 * The nodes still reach Redis, but its messages do not reach them: a node that hears nothing does not trust what it
 * remembers.
 */

/** Rules R1: after a second of silence, what is older than a second is read again; as much for the way. Milliseconds. */
const bound = 3000;

const keep = keptUntil(afterAll);

let redis: RedisServer;
let world: World;

beforeAll(async () => {
  redis = keep(await startRedisServer());
  world = keep(await startWorld({ store: redis.url }));
});

test(
  "nodes that hear each other go on listening where they are",
  async () => {
    /** How often somebody has begun to listen since Redis began. */
    const begun = async (): Promise<number> =>
      Number(/cmdstat_subscribe:calls=(\d+)/.exec(await redis.ask("INFO", "commandstats"))?.[1]);
    // Who starts may need a second try; then there is no reason for another.
    await sleep(2000);
    const before = await begun();
    await sleep(8000);
    expect((await begun()) - before).toBe(0);
  },
  longestProof,
);

test(
  "a log-out whose message is lost is found by the other nodes before they serve again",
  async () => {
    const user = "lea;first";
    const ask = async (place: number): Promise<string> => nameOf(await world.ask(place, user, markPath));
    expect([await ask(0), await ask(1), await ask(2)]).toEqual(["200", "200", "200"]);
    const sockets = [1, 2].map((place) => world.socket(place, user));
    await Promise.all(sockets.map((socket) => socket.message()));
    // Nobody may listen any more, however often they come back.
    await redis.ask("ACL", "SETUSER", "default", "-subscribe", "-psubscribe", "-ssubscribe");
    await redis.ask("CLIENT", "KILL", "TYPE", "pubsub");
    const since = performance.now();
    const headers = { origin: world.door.origin };
    expect(nameOf(await world.ask(0, user, "/_session", { method: "DELETE", headers }))).toBe("204");
    await vi.waitFor(
      async () =>
        expect([await ask(0), await ask(1), await ask(2)]).toEqual(Array(3).fill("401QSP-UNAUTHENTICATED")),
      { timeout: bound, interval: 50 },
    );
    figure("log-out with the bus cut", {
      "refused everywhere after": milliseconds(performance.now() - since),
    });
    const closed = await Promise.all(sockets.map((socket) => socket.closed));
    figure("log-out with the bus cut", { "sockets closed after": milliseconds(performance.now() - since) });
    expect(closed.map(({ code }) => code)).toEqual([4203, 4203]);
    expect(performance.now() - since).toBeLessThan(bound);
    expect(await redis.ask("CLIENT", "LIST", "TYPE", "pubsub")).toBe("");
  },
  longestProof,
);
