/*
 * The host takes a group away from a user, and the tenant has to hear of it by a new login. The new claims were noted
 * as told before that login was made. Where it failed once, or was taken for another renewal that had begun with the
 * old claims, it was never made again: the user kept the group for the rest of the session. What counts is what the
 * tenant was told with the session in use.
 */
import { expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const path = "/api/v1/items/1";

/** Claims are looked at again after 30 seconds. */
const pause = 31_000;

async function start() {
  const clock = createManualClock();
  const tenant = started.keep(await startNamedTenant());
  let groups = ["finance", "staff"];
  const stack = await started.stack({
    tenantOrigin: tenant.origin,
    clock,
    proxy: { identify: () => ({ subject: "ann", groups }) },
  });
  const leaveGroup = (): void => void (groups = ["staff"]);
  return { clock, tenant, stack, leaveGroup };
}

test("a login that fails once is made again, and the old sockets are closed", async () => {
  const { clock, tenant, stack, leaveGroup } = await start();
  const socket = stack.socket("/app/x");
  await new Promise((resolve) => socket.ws.once("open", resolve));
  clock.advance(pause);
  tenant.onLogin((_login, response) => {
    response.writeHead(429, { "retry-after": "1" }).end();
    return false;
  });
  leaveGroup();
  await stack.get(path);
  await expect.poll(() => stack.proxy.stats().loginsHeldBack).toBe(true);
  tenant.onLogin(() => true);
  clock.advance(pause);
  await stack.get(path);
  await expect
    .poll(() => tenant.logins.map(({ groups }) => groups.join()))
    .toEqual(["finance,staff", "staff", "staff"]);
  expect(await socket.closed).toEqual({ code: 4003, reason: '{"code":"QSP-CLAIMS"}' });
  expect((await stack.get(path)).text).toBe("ann~2");
});

test("a renewal that began with the old claims does not count as the one for the new", async () => {
  const { clock, tenant, stack, leaveGroup } = await start();
  expect((await stack.get(path)).text).toBe("ann~1");
  clock.advance(pause);
  const latch = createLatch();
  tenant.onLogin(() => latch.opened);
  tenant.lost.add("ann~1");
  const first = stack.get(path);
  await expect.poll(() => tenant.logins).toHaveLength(2);
  leaveGroup();
  const second = stack.get("/api/v1/items/2");
  await expect.poll(() => tenant.seen).toContain("GET /api/v1/items/2 ann~1");
  latch.open();
  expect((await first).status).toBe(200);
  expect((await second).status).toBe(200);
  await expect.poll(() => tenant.logins.at(-1)?.groups).toEqual(["staff"]);
  await expect.poll(async () => (await stack.get(path)).text).toBe("ann~3");
  // And then no more.
  clock.advance(pause);
  await stack.get(path);
  expect(tenant.logins).toHaveLength(3);
});
