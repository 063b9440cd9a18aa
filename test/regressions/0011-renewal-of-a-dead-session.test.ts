/*
 * A session is being renewed, the tenant takes its time, and the session ends meanwhile. The user's next session,
 * lost as well, waited for that same renewal, because both went by one name: a user who is vouched for got the 401
 * of a session that was over. A session renews itself and nothing else.
 */
import { expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const path = "/api/v1/items/1";

test("the session after it is renewed by a login of its own", async () => {
  const clock = createManualClock();
  const tenant = started.keep(await startNamedTenant());
  const stack = await started.stack({
    tenantOrigin: tenant.origin,
    clock,
    proxy: {
      session: { idleTimeout: 50_000, maxLifetime: 60_000, renewBefore: 1000 },
      timeouts: { login: 5000 },
    },
  });
  expect((await stack.get(path)).text).toBe("ann~1");
  clock.advance(40_000);
  expect((await stack.get(path)).text).toBe("ann~1");

  const latch = createLatch();
  tenant.onLogin(() => latch.opened);
  tenant.lost.add("ann~1");
  const first = stack.get(path);
  await expect.poll(() => tenant.logins).toHaveLength(2);
  tenant.onLogin(() => true);
  clock.advance(21_000);
  expect(stack.proxy.stats().sessions).toBe(0);

  expect((await stack.get(path)).text).toBe("ann~2");
  tenant.lost.add("ann~2");
  const second = await stack.get(path);
  expect([second.status, second.text]).toEqual([200, "ann~3"]);

  latch.open();
  // The user is still vouched for, and may come back at once.
  expect((await first).status).toBe(503);
  // The session that nobody waits for any more is ended where it was made.
  await expect.poll(() => tenant.seen).toContain("GET /logout ann~4");
  expect((await stack.get(path)).text).toBe("ann~3");
});
