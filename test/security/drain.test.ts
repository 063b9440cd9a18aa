/* A server that is told to stop while it works. attacks D9 */
import { expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { type NamedTenant, startNamedTenant } from "../support/named-tenant.ts";
import { type ServedProxy, servedHeaders, servedHost, startServedProxy } from "../support/served-proxy.ts";
import { testSocket, type TestSocket } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const me = "/api/v1/users/me";
const slow = "/api/v1/items/slow";

/** A served proxy under load: answers that wait for a latch, and sockets that are open. */
async function startLoaded(timeouts: string) {
  const tenant: NamedTenant = started.keep(await startNamedTenant());
  const released = createLatch();
  let waiting = 0;
  tenant.onCall(async ({ url }) => {
    if (url !== slow) return true;
    waiting += 1;
    await released.opened;
    return true;
  });
  const served = started.keep(
    await startServedProxy({ tenantOrigin: tenant.origin, more: `timeouts: { ${timeouts} }` }),
  );
  const users = ["ann", "bob", "cid"];
  for (const user of users) expect((await served.ask(me, { user })).status).toBe(200);
  const sockets = users.map((user) => openSocket(served, user));
  await Promise.all(sockets.map(({ ws }) => new Promise((resolve) => void ws.once("open", resolve))));
  const answers = users.map((user) =>
    served.ask(slow, { user }).then(
      ({ status }) => status,
      () => "cut off",
    ),
  );
  await expect.poll(() => waiting, { timeout: 10_000 }).toBe(users.length);
  return { tenant, served, sockets, answers, released };
}

const openSocket = ({ url }: ServedProxy, user: string): TestSocket =>
  testSocket(`${url.replace("http", "ws")}/qlik/app/a`, { ...servedHeaders(user), host: servedHost });

const readiness = async ({ adminUrl }: ServedProxy): Promise<number> =>
  (await fetch(`${adminUrl}/health/ready`)).status;

test(
  "it turns red, serves on, sends sockets elsewhere with 4003, takes no new ones, finishes what it has, and exits 0",
  { timeout: 60_000 },
  async () => {
    const { served, sockets, answers, released } = await startLoaded("drainDelay: 1s, drain: 20s");
    expect(await readiness(served)).toBe(200);
    served.command.signal("SIGTERM");
    await served.command.line((line) => line.includes('"server.draining"'));
    expect(await readiness(served)).toBe(503);
    // Front doors need a moment to notice.
    expect((await served.ask(me)).status).toBe(200);
    const first = await Promise.race(sockets.map(({ closed }) => closed));
    expect(first).toEqual({ code: 4003, reason: '{"code":"QSP-DRAINING"}' });
    expect((await openSocket(served, "ann").refused).status).toBe(503);
    expect((await Promise.all(sockets.map(({ closed }) => closed))).map(({ code }) => code)).toEqual([
      4003, 4003, 4003,
    ]);
    released.open();
    expect(await Promise.all(answers)).toEqual([200, 200, 200]);
    expect(await served.command.ended).toBe(0);
  },
);

test("it exits at its deadline, with what never came to an end", { timeout: 60_000 }, async () => {
  const { served, sockets, answers } = await startLoaded("drainDelay: 0s, drain: 2s");
  served.command.signal("SIGTERM");
  expect(await served.command.ended).toBe(0);
  expect(await Promise.all(answers)).toEqual(["cut off", "cut off", "cut off"]);
  for (const { closed } of sockets) expect((await closed).code).toBe(4003);
});
