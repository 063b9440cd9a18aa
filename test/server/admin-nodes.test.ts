import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { eventually, expectTenantError } from "../support/assertions.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type AdminWorld, adminWorlds, comeBack, signed } from "./admin-world.ts";

/** Out means out within a second, on every node. Milliseconds; product C4 */
const promised = 1000;

const world = adminWorlds();
const servers: RedisServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** Two nodes, and the store that they share. */
async function nodes(): Promise<{
  readonly redis: RedisServer;
  readonly one: AdminWorld;
  readonly other: AdminWorld;
}> {
  const redis = await startRedisServer();
  servers.push(redis);
  const [one, other] = await world.pair(redis.url);
  return { redis, one, other };
}

const ready = async ({ askUnknown }: AdminWorld): Promise<unknown> =>
  (await askUnknown("GET", "/health/ready")).json();

describe("two nodes with one store", () => {
  test.each([
    ["DELETE /sessions", (node: AdminWorld) => node.ask("DELETE", "/sessions?subject=ann")],
    [
      "the signed webhook",
      (node: AdminWorld) => {
        const body = '{"subject":"ann"}';
        return node.askUnknown("POST", "/revoke", { body, headers: signed(body) });
      },
    ],
  ])(
    "list the same sessions, and %s on one closes the sockets of both within a second",
    async (_what, end) => {
      const { one, other } = await nodes();
      const sockets = [await one.socket("ann"), await other.socket("ann")];
      expect((await other.visit("bob")).status).toBe(200);
      for (const node of [one, other]) {
        const listed = (await node.list()).map(({ subject, sockets: open }) => `${subject} ${open}`);
        expect(listed.toSorted((first, second) => first.localeCompare(second))).toEqual(["ann 1", "bob 0"]);
      }
      const closed = Promise.all(sockets.map((socket) => socket.closed));
      const [answer, codes] = await Promise.all([end(one), Promise.race([closed, sleep(promised, [])])]);
      expect(answer.status).toBe(200);
      expect(codes.map(({ code }) => code)).toEqual([4203, 4203]);
      expect((await other.list()).map(({ subject }) => subject)).toEqual(["bob"]);
      expect((await other.visit("ann")).status).toBe(401);
    },
  );

  test("end the session of a key on whichever is asked", async () => {
    const { one, other } = await nodes();
    await one.visit("ann");
    const [{ key } = { key: "" }] = await other.list();
    expect((await other.ask("DELETE", `/sessions?key=${key}`)).json()).toEqual({ revoked: 1 });
    expect(await one.list()).toEqual([]);
    expectTenantError(await one.ask("DELETE", `/sessions?key=${key}`), 404, "QSP-POLICY");
  });
});

describe("a store that is down", () => {
  test("is said to probes and operators, ends are done here and reach it later", async () => {
    const { redis, one, other } = await nodes();
    const socket = await one.socket("ann");
    expect(await ready(one)).toEqual({ status: "ready" });
    await redis.kill();
    await eventually(async () => expect(await ready(one)).toEqual({ status: "store unreachable" }));
    expectTenantError(await one.ask("GET", "/sessions"), 503, "QSP-STORE");
    const body = '{"subject":"ann"}';
    const request = { body, headers: signed(body) };
    const answer = await one.askUnknown("POST", "/revoke", request);
    expectTenantError(answer, 503, "QSP-STORE");
    expect(Number(answer.header("retry-after"))).toBeGreaterThan(0);
    expect((await socket.closed).code).toBe(4203);
    const deleted = await one.ask("DELETE", "/sessions?subject=bob&blockFor=10m");
    expectTenantError(deleted, 503, "QSP-STORE");
    await redis.restart();
    await eventually(async () => expect(await ready(one)).toEqual({ status: "ready" }));
    await eventually(async () => expect(await ready(other)).toEqual({ status: "ready" }));
    const again = await one.askUnknown("POST", "/revoke", request);
    expect([again.status, again.json()]).toEqual([200, { status: "done" }]);
    expect(await comeBack(() => other.visit("carl"))).toBe(200);
    await eventually(async () => expect((await other.visit("bob")).status).toBe(401));
  });
});
