/*
 * A session that is not used ends after a while; one that is old is replaced. Both clocks looked at the moment a
 * request began and not at what was still under way: a long download was cut in the middle as "not used", and at the
 * longest life every request in flight got 401, though its user is vouched for. What is under way is use, and may
 * finish on the session that it began with.
 */
import { expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import type { SessionProxyOptions } from "../../src/index.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const minute = 60_000;

/** A proxy whose user has a slow answer under way, of which the beginning has come or nothing at all. */
async function startSlow(session: SessionProxyOptions["session"] & object, begins: boolean) {
  const clock = createManualClock();
  const tenant = started.keep(await startNamedTenant());
  const stack = await started.stack({ tenantOrigin: tenant.origin, clock, proxy: { session } });
  const latch = createLatch();
  await stack.get("/api/v1/items/1");
  tenant.onCall(async ({ url, response }) => {
    if (!url.endsWith("/slow")) return true;
    if (begins) response.write("begin ");
    await latch.opened;
    response.end("end");
    return false;
  });
  const slow = stack.get("/api/v1/items/slow");
  await expect.poll(() => tenant.seen).toContain("GET /api/v1/items/slow ann~1");
  return { clock, tenant, stack, slow, latch };
}

test("a download that takes longer than the idle time comes through", async () => {
  const { clock, stack, slow, latch } = await startSlow({ idleTimeout: 5 * minute }, true);
  clock.advance(6 * minute);
  expect(stack.proxy.stats().sessions).toBe(1);
  latch.open();
  expect(await slow).toMatchObject({ status: 200, complete: true, text: "begin end" });
  // And from its end on the time without use counts.
  clock.advance(4 * minute);
  expect(stack.proxy.stats().sessions).toBe(1);
  clock.advance(minute);
  expect(stack.proxy.stats().sessions).toBe(0);
});

test("an upload that takes longer than the idle time comes through", async () => {
  const { clock, tenant, stack, slow, latch } = await startSlow({ idleTimeout: 5 * minute }, true);
  latch.open();
  await slow;
  let taken = "";
  tenant.onCall(async ({ request }) => {
    for await (const chunk of request) taken += String(chunk);
    return true;
  });
  const rest = createLatch();
  const upload = stack.get("/api/v1/licenses/allotments", {
    method: "POST",
    body: (async function* () {
      yield Buffer.from("begin ");
      await rest.opened;
      yield Buffer.from("end");
    })(),
    chunked: true,
  });
  await expect.poll(() => taken).toBe("begin ");
  clock.advance(6 * minute);
  expect(stack.proxy.stats().sessions).toBe(1);
  rest.open();
  expect(await upload).toMatchObject({ status: 200, text: "ann~1" });
  expect(taken).toBe("begin end");
});

test.each([
  ["has begun", true, "begin end"],
  ["has not begun", false, "end"],
])(
  "an answer that %s at the longest life finishes, and its session is ended then",
  async (_how, begins, text) => {
    const options = { idleTimeout: 50 * minute, maxLifetime: 60 * minute };
    const { clock, tenant, stack, slow, latch } = await startSlow(options, begins);
    clock.advance(61 * minute);
    expect(stack.proxy.stats().sessions).toBe(0);
    expect((await stack.get("/api/v1/items/1")).text).toBe("ann~2");
    expect(tenant.seen).not.toContain("GET /logout ann~1");
    latch.open();
    expect(await slow).toMatchObject({ status: 200, complete: true, text });
    await expect.poll(() => tenant.seen).toContain("GET /logout ann~1");
  },
);
