import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { startRedisServer } from "../support/redis-server.ts";
import { keptUntil } from "./kept.ts";
import { figure, seconds } from "./figure.ts";
import { becomeKnown, namesOf } from "./known-users.ts";
import { nameOf } from "./load.ts";
import { markOf, markPath } from "./node-client.ts";
import { longestProof } from "./proof-size.ts";
import { startWorld, type World } from "./world.ts";

/*
 * A deploy is not a mass login: sessions outlive the processes that made them, and so do their ends.
 */

const keep = keptUntil(afterEach);

async function start(store: string, nodes: number): Promise<World> {
  // Sockets are sent away in the course of half of the drain: 10 s by default, which is more patience than it takes.
  return keep(await startWorld({ store, nodes, config: { timeouts: { drain: "2s" } } }));
}

const users = namesOf(10);

/** Restarts the node in a place as a deploy does; returns its exit code. */
async function redeploy(world: World, place: number): Promise<number | null> {
  const code = (await world.nodes[place]?.stop()) ?? null;
  await world.replace(place);
  return code;
}

/** The marks of every user's answers, from every node. */
async function marks(world: World): Promise<readonly (string | undefined)[]> {
  const asked = world.nodes.flatMap((_, place) => users.map((user) => world.ask(place, user, markPath)));
  return (await Promise.all(asked)).map(markOf);
}

test(
  "a single node with the file store takes its sessions over a restart",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "qsp-nodes-"));
    keep({ close: () => rm(folder, { recursive: true, force: true }) });
    const world = await start(`file:${folder}`, 1);
    const known = await becomeKnown(world, users);
    expect(nameOf(await world.ask(0, "kim;first", markPath))).toBe("200");
    const headers = { origin: world.door.origin };
    expect(nameOf(await world.ask(0, "kim;first", "/_session", { method: "DELETE", headers }))).toBe("204");
    const since = performance.now();
    const logins = world.ledger.logins();
    expect(await redeploy(world, 0)).toBe(0);
    const took = performance.now() - since;
    const closed = await Promise.all(known.sockets.map((socket) => socket.closed));
    expect(closed.map(({ code }) => code)).toEqual(users.map(() => 4003));
    expect(await marks(world)).toEqual(users);
    figure("restart with the file store", {
      users: users.length,
      "new logins": world.ledger.logins() - logins,
      took: seconds(took),
    });
    expect(world.ledger.logins()).toBe(logins);
    expect(nameOf(await world.ask(0, "kim;first", markPath))).toBe("401QSP-UNAUTHENTICATED");
  },
  longestProof,
);

test(
  "three nodes are replaced one after the other, and nobody logs in again",
  async () => {
    const redis = keep(await startRedisServer());
    const world = await start(redis.url, 3);
    const known = await becomeKnown(world, users);
    const logins = world.ledger.logins();
    const since = performance.now();
    const codes: (number | null)[] = [];
    for (const place of [0, 1, 2]) {
      codes.push(await redeploy(world, place));
      expect(await marks(world)).toEqual([...users, ...users, ...users]);
    }
    figure("rolling restart with Redis", {
      nodes: 3,
      users: users.length,
      "new logins": world.ledger.logins() - logins,
      took: seconds(performance.now() - since),
    });
    const closed = await Promise.all(known.sockets.map((socket) => socket.closed));
    expect(closed.map(({ code }) => code)).toEqual(users.map(() => 4003));
    expect(codes).toEqual([0, 0, 0]);
    expect(world.ledger.logins()).toBe(logins);
  },
  longestProof,
);
