import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import type { Identity } from "../../src/index.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import { answered, startProxyNodes } from "../support/proxy-nodes.ts";
import { createSteppedClock } from "../support/stepped-clock.ts";
import { cleanedUp } from "../support/started.ts";

/*
 * Of a tenant that lets every session of the host have one of its own: after a log-out it is shut for good. Qlik Sense
 * counts the sessions of a user, so there all share one, and test/backends/sense.test.ts says what a log-out means.
 */

const started = cleanedUp();
const path = "/api/v1/items/1";
const items = "/api/v1/items?limit=2";
const second = 1000;
const minute = 60 * second;

test("DELETE _session logs out: the tenant's session ends, and this host session cannot come back", async () => {
  const stack = await started.stack();
  await stack.get(items, { user: "ann;1" });
  const headers = { origin: stack.origin };
  expect((await stack.get("/_session", { method: "DELETE", user: "ann;1", headers })).status).toBe(204);
  expect(stack.tenant.sessions.list()).toHaveLength(0);
  expect((await stack.get(items, { user: "ann;1" })).status).toBe(401);
  expect((await stack.get(items, { user: "ann;2" })).status).toBe(200);
});

test("the same subject in two host sessions has two sessions; a log-out ends one", async () => {
  const stack = await started.stack();
  const sockets = ["ann;1", "ann;2"].map((user) => stack.socket("/app/engineData", { user }));
  await Promise.all(sockets.map((socket) => socket.message()));
  expect(stack.proxy.stats()).toMatchObject({ sessions: 2, sockets: 2 });
  await stack.proxy.logout({ headers: { "x-test-user": "ann;1" } } as unknown as IncomingMessage);
  expect((await sockets[0]?.closed)?.code).toBe(4203);
  expect(stack.proxy.stats().sessions).toBe(1);
  await expect.poll(() => stack.proxy.stats().sockets).toBe(1);
  expect((await stack.get(items, { user: "ann;1" })).status).toBe(401);
  expect((await stack.get(items, { user: "ann;2" })).status).toBe(200);
});

test("a subject and a host session are not one text with a separator in it", async () => {
  const tenant = started.keep(await startNamedTenant());
  let identity: Identity = { subject: "ann" };
  const stack = await started.stack({ tenantOrigin: tenant.origin, proxy: { identify: () => identity } });
  const sessions = new Set<string>();
  const alike: readonly Identity[] = [
    { subject: "ann" },
    { subject: "ann;1" },
    { subject: "ann|1" },
    { subject: "ann", sessionId: "1" },
    { subject: "ann", sessionId: ";1" },
  ];
  for (identity of alike) sessions.add((await stack.get(path)).text);
  expect(sessions.size).toBe(alike.length);
});

/** A step of a second is what a leap second comes to. */
describe.each([-5 * minute, -second, second, 5 * minute])(
  "a clock that is moved by %d ms (attacks S10)",
  (step) => {
    test("brings nobody back who was logged out", async () => {
      const clock = createSteppedClock();
      const tenant = started.keep(await startNamedTenant());
      const stack = await started.stack({ tenantOrigin: tenant.origin, clock });
      const socket = stack.socket("/app/x", { user: "ann;1" });
      await once(socket.ws, "open");
      await stack.get("/_session", { method: "DELETE", user: "ann;1", headers: { origin: stack.origin } });
      expect((await socket.closed).code).toBe(4203);
      clock.step(step);
      for (const wait of [0, second, 10 * minute, 60 * minute]) {
        clock.advance(wait);
        expect((await stack.get(path, { user: "ann;1" })).status).toBe(401);
        expect((await stack.socket("/app/x", { user: "ann;1" }).refused).status).toBe(401);
      }
      expect(tenant.logins).toHaveLength(1);
      // Nor does it keep anybody out who signs in anew.
      expect((await stack.get(path, { user: "ann;2" })).text).toBe("ann~2");
    });

    test("on one of two nodes revives no session", async () => {
      const world = await startProxyNodes(started);
      const clock = createSteppedClock(world.clock);
      const [a, b] = [await world.start({ clock }), await world.start()];
      await world.pass(1000);
      for (const { stack } of [a, b]) expect((await stack.get(path, { user: "ann;1" })).text).toBe("ann~1");
      clock.step(step);
      await world.pass(3000);
      for (const { stack } of [a, b]) expect((await stack.get(path, { user: "ann;1" })).text).toBe("ann~1");
      await b.stack.get("/_session", {
        method: "DELETE",
        user: "ann;1",
        headers: { origin: b.stack.origin },
      });
      await world.pass(3000);
      for (const { stack } of [a, b]) expect((await stack.get(path, { user: "ann;1" })).status).toBe(401);
      expect(world.tenant.logins).toHaveLength(1);
    });
  },
);

test("a store that gives an older record: a log-out that it has lost counts all the same (attacks S5)", async () => {
  const world = await startProxyNodes(started);
  const [a, b] = [await world.start(), await world.start()];
  await world.pass(1000);
  for (const { stack } of [a, b])
    expect((await answered(world, stack.get(path, { user: "ann;1" }))).text).toBe("ann~1");
  const before = world.core.dump();
  await a.stack.proxy.revoke({ subject: "ann" });
  await world.pass(1000);
  world.core.rollBack(before);
  for (const { stack } of [a, b])
    expect((await answered(world, stack.get(path, { user: "ann;1" }))).status).toBe(401);
  await world.pass(3000);
  for (const { stack } of [a, b])
    expect((await answered(world, stack.get(path, { user: "ann;1" }))).status).toBe(401);
  expect([...world.tenant.lost]).toEqual(["ann~1"]);
});
