/*
 * A session of the host that was revoked never comes back under its id. Only ids of sessions that stood were noted,
 * though: one whose login at the tenant was under way at the revoke got 401 once and was let in two seconds later. A
 * login that a revoke overtakes is noted as well.
 */
import { expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const path = "/api/v1/items/1";

test("a host session that was revoked while it logged in never comes back", async () => {
  const clock = createManualClock();
  const tenant = started.keep(await startNamedTenant());
  const stack = await started.stack({ tenantOrigin: tenant.origin, clock });
  const latch = createLatch();
  tenant.onLogin(() => latch.opened);
  const first = stack.get(path, { user: "ann;host-1" });
  await expect.poll(() => tenant.logins).toHaveLength(1);
  await stack.proxy.revoke({ subject: "ann" });
  latch.open();
  expect((await first).status).toBe(401);
  // The session that came of it is ended at the tenant.
  await expect.poll(() => tenant.seen).toContain("GET /logout ann~1");
  for (const wait of [0, 3000, 60_000, 3_600_000]) {
    clock.advance(wait);
    expect((await stack.get(path, { user: "ann;host-1" })).status).toBe(401);
  }
  expect(tenant.logins).toHaveLength(1);
  // The host's next session of the same user is another matter.
  expect((await stack.get(path, { user: "ann;host-2" })).text).toBe("ann~2");
});
