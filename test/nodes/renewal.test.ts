import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startRedisServer } from "../support/redis-server.ts";
import { figure, milliseconds } from "./figure.ts";
import { keptUntil } from "./kept.ts";
import { nameOf } from "./load.ts";
import { markPath } from "./node-client.ts";
import { longestProof } from "./proof-size.ts";
import { startWorld, type World } from "./world.ts";

/*
 * The tenant loses a session that three nodes use: one of them logs in again, and all go on with what it got.
 */

const keep = keptUntil(afterAll);

let world: World;

beforeAll(async () => {
  const redis = keep(await startRedisServer());
  world = keep(await startWorld({ store: redis.url }));
});
beforeEach(() => world.ledger.reset());

const ask = async (place: number, user: string): Promise<string> =>
  nameOf(await world.ask(place, user, markPath));

test(
  "30 requests on three nodes that meet a lost session cause one login, and none of them fails",
  async () => {
    expect([await ask(0, "ned"), await ask(1, "ned"), await ask(2, "ned")]).toEqual(["200", "200", "200"]);
    world.ledger.reset();
    world.tenant.sessions.expire("ned");
    const since = performance.now();
    const outcomes = await Promise.all(Array.from({ length: 30 }, (_, index) => ask(index % 3, "ned")));
    figure("renewal on three nodes", {
      requests: outcomes.length,
      logins: world.ledger.logins("ned"),
      "all answered after": milliseconds(performance.now() - since),
    });
    expect(outcomes).toEqual(Array(30).fill("200"));
    expect(world.ledger.logins("ned")).toBe(1);
  },
  longestProof,
);

test(
  "a session that one node renewed and used, and that is lost again at once, is renewed by another node",
  async () => {
    expect([await ask(0, "oda"), await ask(1, "oda"), await ask(2, "oda")]).toEqual(["200", "200", "200"]);
    world.tenant.sessions.expire("oda");
    expect([await ask(0, "oda"), await ask(0, "oda")]).toEqual(["200", "200"]);
    world.tenant.sessions.expire("oda");
    expect(await ask(1, "oda")).toBe("200");
    world.tenant.sessions.expire("oda");
    expect(await ask(2, "oda")).toBe("200");
    // One for each loss, and the first.
    expect(world.ledger.logins("oda")).toBe(4);
  },
  longestProof,
);
