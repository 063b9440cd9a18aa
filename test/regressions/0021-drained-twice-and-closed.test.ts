/*
 * A second call of `drain` said "done" at once, while the first was still waiting for a request: who closes the server
 * on that word cuts the request off. And after `close` static files were served as before, on new connections that
 * nobody closed. A drain is one drain for all who ask, and a proxy that was closed takes nothing any more.
 */
import { expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

async function start() {
  const tenant = started.keep(await startNamedTenant());
  const stack = await started.stack({
    tenantOrigin: tenant.origin,
    proxy: { timeouts: { drainDelay: 0, drain: 10_000 } },
  });
  return { tenant, stack };
}

test("each call of drain waits for what is in flight", async () => {
  const { tenant, stack } = await start();
  const latch = createLatch();
  tenant.onCall(() => latch.opened);
  const slow = stack.get("/api/v1/items/1");
  await expect.poll(() => tenant.seen).toHaveLength(1);
  const over: string[] = [];
  const first = stack.proxy.drain().then(() => over.push("first"));
  const second = stack.proxy.drain().then(() => over.push("second"));
  // A round through the whole machine: a socket that is refused because the drain has begun.
  await expect.poll(async () => (await stack.get("/_session")).header("connection")).toBe("close");
  expect((await stack.socket("/app/x").refused).status).toBe(503);
  const third = stack.proxy.drain().then(() => over.push("third"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(over).toEqual([]);
  latch.open();
  expect((await slow).text).toBe("ann~1");
  await Promise.all([first, second, third]);
  expect(over.toSorted()).toEqual(["first", "second", "third"]);
});

test("a proxy that was closed answers 503 and opens no connection", async () => {
  const { tenant, stack } = await start();
  await stack.get("/api/v1/items/1");
  await stack.get("/resources/a.js");
  await stack.proxy.close();
  await expect.poll(() => tenant.connections.size).toBe(0);
  const seen = tenant.seen.length;
  for (const path of ["/resources/a.js", "/resources/b.js", "/api/v1/items/1"]) {
    for (const user of ["ann", "bob"]) {
      const answer = await stack.get(path, { user });
      expect([path, answer.status]).toEqual([path, 503]);
      expect(answer.text).toContain("QSP-BUSY");
    }
  }
  expect((await stack.socket("/app/x").refused).status).toBe(503);
  expect(tenant.seen).toHaveLength(seen);
  expect(tenant.logins).toHaveLength(1);
  expect(tenant.connections.size).toBe(0);
  expect(stack.proxy.stats()).toMatchObject({ inFlight: 0, sessions: 0, sockets: 0 });
});
