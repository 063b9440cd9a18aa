/*
 * A 401 to a living session is the endpoint's own word: it is passed on and remembered for half a minute, so that it
 * is not asked about each time. The memory forgot whose session it was: what one user's requests taught, another
 * user's lost session was answered with, 401 instead of a new login. And where a renewal was given up for the moment,
 * that was remembered as the endpoint's word too. Only a session that is alive teaches, and only itself.
 */
import { expect, test } from "vitest";
import { createManualClock } from "../support/manual-clock.ts";
import { startNamedTenant, type NamedCall } from "../support/named-tenant.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const path = "/api/v1/items/1";

async function start() {
  const clock = createManualClock();
  const tenant = started.keep(await startNamedTenant());
  const stack = await started.stack({ tenantOrigin: tenant.origin, clock });
  return { clock, tenant, stack };
}

const refusing =
  (refuses: (call: NamedCall) => boolean) =>
  (call: NamedCall): boolean => {
    if (!refuses(call)) return true;
    call.response.writeHead(401).end();
    return false;
  };

test("what the endpoint says to one user is not the answer to another", async () => {
  const { tenant, stack } = await start();
  tenant.onCall(refusing(({ url, session }) => url === path && session.startsWith("ann")));
  expect((await stack.get(path, { user: "bob" })).text).toBe("bob~1");
  // Learnt: the second 401 comes without a probe.
  for (let turn = 0; turn < 2; turn += 1) expect((await stack.get(path, { user: "ann" })).status).toBe(401);
  expect(tenant.seen.filter((call) => call.startsWith("GET /api/v1/users/me"))).toHaveLength(1);
  tenant.lost.add("bob~1");
  const answer = await stack.get(path, { user: "bob" });
  expect([answer.status, answer.text]).toEqual([200, "bob~3"]);
});

test("a user whose sessions never work does not spoil a route for others", async () => {
  const { tenant, stack } = await start();
  tenant.onCall(refusing(({ session }) => session.startsWith("ann")));
  const { text: first } = await stack.get(path, { user: "bob" });
  for (let turn = 0; turn < 3; turn += 1) expect((await stack.get(path, { user: "ann" })).status).toBe(401);
  tenant.lost.add(first);
  const answer = await stack.get(path, { user: "bob" });
  expect(answer.status).toBe(200);
  expect(answer.text).toMatch(/^bob~/);
  expect(answer.text).not.toBe(first);
});

test("a renewal that was given up for the moment is tried again when its time has come", async () => {
  const { clock, tenant, stack } = await start();
  expect((await stack.get(path)).text).toBe("ann~1");
  tenant.lost.add("ann~1").add("ann~2");
  // Renewed, and lost again at once; then too young to be renewed once more.
  expect((await stack.get(path)).status).toBe(401);
  expect((await stack.get(path)).status).toBe(401);
  expect(tenant.logins).toHaveLength(2);
  clock.advance(11_000);
  const answer = await stack.get(path);
  expect([answer.status, answer.text]).toEqual([200, "ann~3"]);
});
