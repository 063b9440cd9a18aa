import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { startRedisServer } from "../support/redis-server.ts";
import type { TestSocket } from "../support/stack.ts";
import { keptUntil } from "./kept.ts";
import { figure, milliseconds } from "./figure.ts";
import { countNames, nameOf } from "./load.ts";
import { markPath, type Outcome, type User } from "./node-client.ts";
import { longestProof } from "./proof-size.ts";
import { slowLogins, startWorld, type World } from "./world.ts";

/*
 * Out means out, on all of three processes: sockets are closed within a second wherever they are, and no login or
 * renewal that is under way brings the session back.
 */

/** What the product promises for all nodes. Milliseconds; product C4 */
const promised = 1000;

/** How long a login takes that is overtaken by an end. Milliseconds. */
const slowness = 3000;

const keep = keptUntil(afterAll);

let world: World;

beforeAll(async () => {
  const redis = keep(await startRedisServer());
  world = keep(await startWorld({ store: redis.url }));
});
afterEach(() => world.tenant.clearFaults());

const places = [0, 1, 2];

/** One socket of the user on each node, each with the engine's first message. */
async function socketsOf(user: User): Promise<readonly TestSocket[]> {
  // The login comes first, so that no upgrade meets a user whom the engine does not know yet.
  expect(nameOf(await world.ask(0, user, markPath))).toBe("200");
  const sockets = places.map((place) => world.socket(place, user));
  await Promise.all(sockets.map((socket) => socket.message()));
  return sockets;
}

const logOut = (place: number, user: User): Promise<Outcome> =>
  world.ask(place, user, "/_session", { method: "DELETE", headers: { origin: world.door.origin } });

/** Close codes of sockets that close within the limit; "open" for the others. */
function closeCodes(sockets: readonly TestSocket[], within: number): Promise<readonly (number | string)[]> {
  return Promise.all(
    sockets.map(({ closed }) =>
      Promise.race([closed.then(({ code }) => code), sleep(within, "open", { ref: false })]),
    ),
  );
}

const areOpen = (sockets: readonly TestSocket[]): readonly boolean[] =>
  sockets.map(({ ws }) => ws.readyState === ws.OPEN);

const sessionsAtTenant = (user: User): number =>
  world.tenant.sessions.list().filter(({ subject }) => subject === user.split(";")[0]).length;

const noSessionLeft = (user: User): Promise<void> =>
  vi.waitFor(() => expect(sessionsAtTenant(user)).toBe(0), { timeout: 10_000, interval: 20 });

/** What every node says of the user's session: `active` of `GET /_session`. */
async function active(user: User): Promise<readonly unknown[]> {
  const answers = await Promise.all(places.map((place) => world.ask(place, user, "/_session")));
  return answers.map((answer) =>
    answer.kind === "answered" ? (JSON.parse(answer.text) as { active?: boolean }).active : answer.kind,
  );
}

/** A request to each node; the names of what came of them. */
const askAll = async (user: User): Promise<readonly string[]> =>
  (await Promise.all(places.map((place) => world.ask(place, user, markPath)))).map(nameOf);

describe("a log-out on one node", () => {
  test(
    "closes the sockets on all three within a second",
    async () => {
      const sockets = await socketsOf("ann");
      const since = performance.now();
      const [answer, codes] = await Promise.all([logOut(0, "ann"), closeCodes(sockets, promised)]);
      const ms = performance.now() - since;
      figure("log-out on one of three nodes", { sockets: 3, "all closed with 4203 after": milliseconds(ms) });
      expect(nameOf(answer)).toBe("204");
      expect(codes).toEqual([4203, 4203, 4203]);
      expect(ms).toBeLessThan(promised);
      await noSessionLeft("ann");
      // Whoever is vouched for anew after the end may come back; at once is not anew. rules R1
      expect(await askAll("ann")).toEqual(Array(3).fill("401QSP-UNAUTHENTICATED"));
      expect(await active("ann")).toEqual([false, false, false]);
    },
    longestProof,
  );

  test(
    "ends the host session that asks for it, and leaves the user's other one",
    async () => {
      const [ended, other] = [await socketsOf("dan;first"), await socketsOf("dan;second")];
      expect(nameOf(await logOut(1, "dan;first"))).toBe("204");
      expect(await closeCodes(ended, promised)).toEqual([4203, 4203, 4203]);
      expect(await askAll("dan;second")).toEqual(["200", "200", "200"]);
      expect(areOpen(other)).toEqual([true, true, true]);
      // An ended id never works again, however long ago it ended.
      await sleep(2500);
      expect(await askAll("dan;first")).toEqual(Array(3).fill("401QSP-UNAUTHENTICATED"));
      expect(await askAll("dan;third")).toEqual(["200", "200", "200"]);
      for (const { ws } of other) ws.terminate();
    },
    longestProof,
  );

  test(
    "is not undone by a login in flight",
    async () => {
      slowLogins(world, slowness);
      const before = world.ledger.loggedOut("eva");
      const waiting = places.flatMap((place) =>
        Array.from({ length: 5 }, () => world.ask(place, "eva", markPath)),
      );
      await vi.waitFor(() => expect(world.ledger.logins("eva")).toBe(1), { timeout: 5000, interval: 10 });
      await sleep(slowness / 3);
      const since = performance.now();
      expect(nameOf(await logOut(2, "eva"))).toBe("204");
      const answered = performance.now() - since;
      const outcomes = countNames((await Promise.all(waiting)).map(nameOf));
      figure("log-out during a login of 3 s", {
        "answered after": milliseconds(answered),
        requests: JSON.stringify(outcomes),
        logins: world.ledger.logins("eva"),
      });
      expect(outcomes).toEqual({ "401QSP-UNAUTHENTICATED": 15 });
      // Its fresh tenant session is ended: the tenant has made it by now, or never will.
      await vi.waitFor(() => expect(world.ledger.loggedOut("eva") - before).toBe(1), {
        timeout: 2 * slowness,
        interval: 20,
      });
      expect(sessionsAtTenant("eva")).toBe(0);
      expect(await active("eva")).toEqual([false, false, false]);
      expect(world.ledger.logins("eva")).toBe(1);
    },
    longestProof,
  );

  test(
    "is not undone by a renewal in flight",
    async () => {
      const sockets = await socketsOf("fay");
      const logins = world.ledger.logins("fay");
      slowLogins(world, slowness);
      world.tenant.sessions.expire("fay");
      const waiting = places.flatMap((place) =>
        Array.from({ length: 5 }, () => world.ask(place, "fay", markPath)),
      );
      await vi.waitFor(() => expect(world.ledger.logins("fay")).toBe(logins + 1), {
        timeout: 5000,
        interval: 10,
      });
      await sleep(slowness / 3);
      const since = performance.now();
      const [answer, codes] = await Promise.all([logOut(1, "fay"), closeCodes(sockets, promised)]);
      const ms = performance.now() - since;
      const outcomes = countNames((await Promise.all(waiting)).map(nameOf));
      figure("log-out during a renewal of 3 s", {
        "sockets closed after": milliseconds(ms),
        requests: JSON.stringify(outcomes),
        renewals: world.ledger.logins("fay") - logins,
      });
      expect(nameOf(answer)).toBe("204");
      expect(codes).toEqual([4203, 4203, 4203]);
      expect(ms).toBeLessThan(promised);
      expect(outcomes).toEqual({ "401QSP-UNAUTHENTICATED": 15 });
      // Time for the renewal to come back from the tenant, and to be undone.
      await sleep(slowness);
      await noSessionLeft("fay");
      expect(await active("fay")).toEqual([false, false, false]);
      expect(world.ledger.logins("fay")).toBe(logins + 1);
    },
    longestProof,
  );
});

test(
  "an operator's revoke on one node ends all sessions of the user on all of them",
  async () => {
    const [first, second] = [await socketsOf("gus;first"), await socketsOf("gus;second")];
    const bystanders = await socketsOf("hal");
    const since = performance.now();
    const [answer, codes] = await Promise.all([
      world.nodes[1]?.admin("DELETE", "/sessions?subject=gus"),
      closeCodes([...first, ...second], promised),
    ]);
    const ms = performance.now() - since;
    figure("revoke on one of three nodes", {
      sockets: codes.length,
      "all closed with 4203 after": milliseconds(ms),
    });
    expect(answer?.ok).toBe(true);
    expect(codes).toEqual(Array(6).fill(4203));
    expect(ms).toBeLessThan(promised);
    await noSessionLeft("gus");
    expect(areOpen(bystanders)).toEqual([true, true, true]);
    for (const { ws } of bystanders) ws.terminate();
  },
  longestProof,
);
