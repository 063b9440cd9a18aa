/*
 * A request with effects waits for its CSRF token; meanwhile the user is logged out. The browser was told 401, but
 * the request went to the tenant all the same, after the logout and with the session's cookies. In the same way a
 * renewal that waited for its probe logged a user in who had just been logged out. After an end nothing is begun.
 */
import { expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

async function start() {
  const tenant = started.keep(await startNamedTenant());
  const stack = await started.stack({
    tenantOrigin: tenant.origin,
    proxy: { policy: { presets: ["embed", "embed-write"] } },
  });
  return { tenant, stack };
}

const write = (stack: Stack, path: string) => stack.get(path, { method: "POST", body: "{}" });

test.each([
  ["revoked", (stack: Stack): Promise<unknown> => stack.proxy.revoke({ subject: "ann" })],
  ["logged out", (stack: Stack): Promise<unknown> => stack.get("/_session", { method: "DELETE" })],
])("a request that waits for its token while the user is %s never goes out", async (_how, end) => {
  const { tenant, stack } = await start();
  const latch = createLatch();
  tenant.onCall(({ url }) => (url === "/api/v1/csrf-token" ? latch.opened : true));
  const waiting = write(stack, "/api/v1/reports");
  await expect.poll(() => tenant.seen).toContain("GET /api/v1/csrf-token ann~1");
  await end(stack);
  latch.open();
  expect((await waiting).status).toBe(401);
  expect(tenant.seen).toEqual(["GET /api/v1/csrf-token ann~1", "GET /logout ann~1"]);
  expect(tenant.logins).toHaveLength(1);
});

test("a request that waits for a new token after a refused one is not sent again", async () => {
  const { tenant, stack } = await start();
  const latch = createLatch();
  await write(stack, "/api/v1/reports");
  tenant.onCall(({ url, method, response }) => {
    if (url === "/api/v1/csrf-token") return latch.opened;
    if (method !== "POST") return true;
    response.writeHead(403, { "content-type": "application/json" }).end('{"code":"CSRF-TOKEN-2"}');
    return false;
  });
  const waiting = write(stack, "/api/v1/reports/again");
  await expect.poll(() => tenant.seen.filter((call) => call.includes("csrf-token"))).toHaveLength(2);
  await stack.proxy.revoke({ subject: "ann" });
  latch.open();
  expect((await waiting).status).toBe(401);
  expect(tenant.seen.filter((call) => call.startsWith("POST /api/v1/reports/again"))).toHaveLength(1);
});

test("a lost session that is ended while it is probed is not renewed", async () => {
  const { tenant, stack } = await start();
  await stack.get("/api/v1/items/1");
  const latch = createLatch();
  tenant.lost.add("ann~1");
  tenant.onCall(({ url }) => (url === "/api/v1/users/me" ? latch.opened : true));
  const waiting = stack.get("/api/v1/items/1");
  await expect.poll(() => tenant.seen).toContain("GET /api/v1/users/me ann~1");
  await stack.proxy.revoke({ subject: "ann" });
  latch.open();
  expect((await waiting).status).toBe(401);
  // What the lost answer set off is over before the next user is served.
  expect((await stack.get("/api/v1/items/1", { user: "bob" })).text).toBe("bob~2");
  expect(tenant.logins.map(({ subject }) => subject)).toEqual(["ann", "bob"]);
});
