/* A tenant that cannot be reached, in every way, by many at once: what it costs, and what is left of it. attacks D2 */
import { describe, expect, test } from "vitest";
import { createManualClock } from "../support/manual-clock.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import { observeProcess } from "../support/observed-process.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";
import { startTlsFront, type TlsMode } from "../support/tls-front.ts";
import { wire } from "../support/kind-on-the-wire.ts";

const started = cleanedUp();
const me = "/api/v1/users/me";
const users = Array.from({ length: 10 }, (_, index) => `user-${index}`);

/** A proxy, and its tenant behind TLS that can be spoiled; connections to it are not kept. */
async function start(mode: TlsMode) {
  const observed = observeProcess();
  started.keep({ close: () => observed.stop() });
  const tenant = started.keep(await startNamedTenant());
  const front = started.keep(await startTlsFront(tenant.origin));
  const clock = createManualClock();
  const stack = await started.stack({
    clock,
    tenantOrigin: front.origin,
    tenantNames: { ca: front.certificate },
    proxy: {
      // Where the tenant answers at all, a busy machine may take its time.
      ...(mode === "mute" ? { timeouts: { connect: 300, login: 2000 } } : {}),
      upstream: { idle: 1 },
    },
  });
  return { observed, tenant, front, clock, stack };
}

/** Requests and upgrades of all users at once; the statuses that they met. */
async function storm(stack: Stack): Promise<ReadonlySet<number>> {
  const answers = users.flatMap((user) => [
    stack.get(me, { user }).then(({ status }) => status),
    stack.get(me, { user }).then(({ status }) => status),
    stack.socket("/app/a", { user }).refused.then(({ status }) => status),
  ]);
  return new Set(await Promise.all(answers));
}

describe("a tenant that", () => {
  test.each<[string, TlsMode, number]>([
    ["takes connections and says nothing", "mute", 504],
    ["resets connections in the middle of TLS", "reset", 502],
    ["resets connections at once", "drop", 502],
    ["answers TLS with an alert", "alert", 502],
    ["does not speak TLS", "plain", 502],
  ])("%s is told to all, and is found by the first request when it is back", async (_what, mode, status) => {
    const { observed, tenant, front, clock, stack } = await start(mode);
    for (const user of users) expect((await stack.get(me, { user })).status).toBe(200);
    front.mode = mode;
    for (const socket of front.open) socket.destroy();
    expect([...(await storm(stack))]).toEqual([status]);
    expect((await stack.get(me, { user: "new" })).status).toBe(status);
    front.mode = "pass";
    // Nothing has to pass first for who has a session.
    for (const user of users) expect((await stack.get(me, { user })).status).toBe(200);
    expect(tenant.logins).toHaveLength(users.length);
    // Who had none is held back for half a second, which is what a login that failed costs.
    clock.advance(500);
    expect((await stack.get(me, { user: "new" })).status).toBe(200);
    expect(stack.proxy.stats()).toMatchObject({ sessions: users.length + 1, sockets: 0, inFlight: 0 });
    expect(observed.uncaught).toEqual([]);
  });

  test("refuses connections is told to all, and is found by the first request when it is back", async () => {
    const observed = observeProcess();
    started.keep({ close: () => observed.stop() });
    const { stack, upstream } = await started.raw(undefined, { proxy: { upstream: { idle: 1 } } });
    for (const user of users) expect((await stack.get(me, { user })).status).toBe(200);
    await upstream.close();
    expect([...(await storm(stack))]).toEqual([502]);
    await upstream.reopen();
    for (const user of users) expect((await stack.get(me, { user })).status).toBe(200);
    expect(upstream.seen.filter((each) => wire.login(each) !== null)).toHaveLength(users.length);
    expect(observed.uncaught).toEqual([]);
  });
});
