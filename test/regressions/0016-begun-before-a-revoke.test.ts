/*
 * A request comes in, and the host is slow to say whose it is. Meanwhile the user's access is revoked, and given back
 * some time later: there is a new session. The old request then joined it, on a word of the host from before the
 * revoke. Whatever began before an end is answered 401, however long it takes and whatever has begun since.
 */
import { expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const path = "/api/v1/items/1";

/** A signed-in user one of whose requests waits for the host, and may have been overtaken by then. */
async function start() {
  const clock = createManualClock();
  const tenant = started.keep(await startNamedTenant());
  const latch = createLatch();
  let waiting = 0;
  const stack = await started.stack({
    tenantOrigin: tenant.origin,
    clock,
    proxy: {
      async identify({ headers }) {
        if (headers["x-slow"] !== undefined) {
          waiting += 1;
          await latch.opened;
        }
        return { subject: "ann" };
      },
    },
  });
  await stack.get(path);
  return { clock, tenant, stack, latch, waiting: () => waiting };
}

test.each([
  ["revoked", (stack: Stack): Promise<unknown> => stack.proxy.revoke({ subject: "ann" })],
  ["logged out", (stack: Stack): Promise<unknown> => stack.get("/_session", { method: "DELETE" })],
])("a request from before the user was %s gets 401, though there is a newer session", async (_how, end) => {
  const { clock, tenant, stack, latch, waiting } = await start();
  const old = stack.get(path, { headers: { "x-slow": "1" } });
  const socket = stack.socket("/app/x", { headers: { "x-slow": "1" } });
  await expect.poll(waiting).toBe(2);
  await end(stack);
  clock.advance(3000);
  expect((await stack.get(path)).text).toBe("ann~2");
  latch.open();
  expect((await old).status).toBe(401);
  expect((await socket.refused).status).toBe(401);
  // The newer session is none the worse for it.
  expect((await stack.get(path)).text).toBe("ann~2");
  expect(tenant.logins).toHaveLength(2);
});
