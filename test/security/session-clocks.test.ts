import { once } from "node:events";
import { describe, expect, test } from "vitest";
import type { Identity } from "../../src/index.ts";
import { eventually } from "../support/assertions.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import { startNamedTenant, type NamedTenant } from "../support/named-tenant.ts";
import { startProxyNodes } from "../support/proxy-nodes.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import type { Stack, StackOptions } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

/* Clocks that are wrong, and clocks that somebody would like to put off. */

const started = cleanedUp();
const path = "/api/v1/items/1";
const second = 1000;
const minute = 60 * second;

/** A clock whose hands are moved while its timers run on, as an NTP server does it. */
interface SteppedClock extends ManualClock {
  /** Milliseconds, either way. */
  step(by: number): void;
}

function createSteppedClock(base: ManualClock = createManualClock()): SteppedClock {
  let skew = 0;
  return {
    now: () => base.now() + skew,
    setTimer: base.setTimer,
    advance: base.advance,
    step: (by) => {
      skew += by;
    },
  };
}

interface World {
  readonly tenant: NamedTenant;
  readonly stack: Stack;
  readonly clock: SteppedClock;
}

async function start(proxy: StackOptions["proxy"] = {}): Promise<World> {
  const clock = createSteppedClock();
  const tenant = started.keep(await startNamedTenant());
  return { tenant, clock, stack: await started.stack({ tenantOrigin: tenant.origin, clock, proxy }) };
}

/** A step of a second is what a leap second comes to. */
const steps = [-5 * minute, -second, second, 5 * minute];

describe.each(steps)("a clock that is moved by %d ms (attacks S10)", (step) => {
  test("logs nobody out who is at work, and makes no login", async () => {
    const { tenant, stack, clock } = await start();
    const users = ["ann", "bob", "cid"];
    const sockets = users.map((user) => stack.socket("/app/x", { user }));
    await Promise.all(sockets.map(({ ws }) => once(ws, "open")));
    clock.advance(minute);
    clock.step(step);
    for (const wait of [0, second, minute]) {
      clock.advance(wait);
      const answers = await Promise.all(users.map((user) => stack.get(path, { user })));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    }
    expect(tenant.logins).toHaveLength(3);
    expect(stack.proxy.stats()).toMatchObject({ sessions: 3, sockets: 3 });
    for (const { ws } of sockets) ws.terminate();
    await eventually(() => expect(stack.proxy.stats().sockets).toBe(0));
  });

  test("leaves no session alive for longer than by the step", async () => {
    const { tenant, stack, clock } = await start({ session: { idleTimeout: 10 * minute } });
    await stack.get(path);
    clock.step(step);
    clock.advance(10 * minute + Math.max(0, -step));
    expect(stack.proxy.stats().sessions).toBe(0);
    await expect.poll(() => tenant.lost.has("ann~1")).toBe(true);
  });

  test("brings nobody back who was logged out", async () => {
    const { tenant, stack, clock } = await start();
    const socket = stack.socket("/app/x", { user: "ann;1" });
    await once(socket.ws, "open");
    await stack.get("/_session", { method: "DELETE", user: "ann;1", headers: { origin: stack.origin } });
    expect((await socket.closed).code).toBe(4203);
    clock.step(step);
    for (const wait of [0, second, 10 * minute, 60 * minute]) {
      clock.advance(wait);
      expect((await stack.get(path, { user: "ann;1" })).status).toBe(401);
      expect((await stack.socket("/app/x", { user: "ann;1" }).refused).status).toBe(401);
    }
    expect(tenant.logins).toHaveLength(1);
    // Nor does it keep anybody out who signs in anew.
    expect((await stack.get(path, { user: "ann;2" })).text).toBe("ann~2");
  });

  test("on one of two nodes splits no session and revives none", async () => {
    const world = await startProxyNodes(started);
    const clock = createSteppedClock(world.clock);
    const [a, b] = [await world.start({ clock }), await world.start()];
    await world.pass(1000);
    for (const { stack } of [a, b]) expect((await stack.get(path, { user: "ann;1" })).text).toBe("ann~1");
    clock.step(step);
    await world.pass(3000);
    for (const { stack } of [a, b]) expect((await stack.get(path, { user: "ann;1" })).text).toBe("ann~1");
    await b.stack.get("/_session", { method: "DELETE", user: "ann;1", headers: { origin: b.stack.origin } });
    await world.pass(3000);
    for (const { stack } of [a, b]) expect((await stack.get(path, { user: "ann;1" })).status).toBe(401);
    expect(world.tenant.logins).toHaveLength(1);
  });
});

test.each([-5 * minute, 5 * minute])(
  "a tenant whose clock is %d ms ahead lets nobody in, and throws nobody out (attacks S10)",
  async (ahead) => {
    const stack = await started.stack();
    const me = "/api/v1/users/me";
    expect((await stack.get(me)).status).toBe(200);
    stack.tenant.clock.advance(ahead);
    const refused = await Promise.all(["bob", "cid"].map((user) => stack.get(me, { user })));
    expect(refused.map(({ status }) => status)).toEqual([502, 502]);
    expect((await stack.get(me)).json()).toMatchObject({ subject: "ann" });
    expect(stack.tenant.recordings({ path: "/login/jwt-session" })).toHaveLength(3);
    expect(stack.proxy.stats().sessions).toBe(1);
  },
);

describe("what puts off the end of a session (attacks S11)", () => {
  /** A browser that only looks at its session, every half minute, with its stream of events open. */
  async function lookOn({ stack, clock }: World, forSo: number): Promise<void> {
    const stream = await connectTo(stack.origin);
    started.keep({ close: () => stream.socket.destroy() });
    stream.write(requestHead(stack.origin, "GET /qlik/_session/events HTTP/1.1"));
    await stream.until((text) => text.includes("text/event-stream"));
    for (let passed = 0; passed < forSo; passed += minute / 2) {
      clock.advance(minute / 2);
      for (const each of [
        "/_session",
        "/resources/a.js",
        "/resources/autogenerated/product-info.json",
        "/login",
      ]) {
        await stack.get(each);
      }
      await stack.get("/_session", { method: "HEAD" });
    }
  }

  test("is use, and not looking at its state: the idle time is over in its time", async () => {
    const world = await start({ session: { idleTimeout: 3 * minute } });
    await world.stack.get(path);
    await lookOn(world, 2 * minute);
    expect(world.stack.proxy.stats().sessions).toBe(1);
    await lookOn(world, minute);
    expect(world.stack.proxy.stats().sessions).toBe(0);
    await expect.poll(() => world.tenant.lost.has("ann~1")).toBe(true);
    expect(world.tenant.logins).toHaveLength(1);
  });

  test("is nothing, for its longest life and for the host's word", async () => {
    const limits: readonly (readonly [StackOptions["proxy"], number])[] = [
      [{ session: { maxLifetime: 3 * minute } }, 4003],
      [{}, 4203],
    ];
    for (const [session, code] of limits) {
      let identity: Identity = { subject: "ann" };
      const { tenant, stack, clock } = await start({ ...session, identify: () => identity });
      if (code === 4203) identity = { ...identity, expiresAt: clock.now() + 3 * minute };
      const socket = stack.socket("/app/x");
      await once(socket.ws, "open");
      for (let passed = 0; passed < 3 * minute; passed += minute / 2) {
        expect((await stack.get(path)).text).toBe("ann~1");
        clock.advance(minute / 2);
      }
      expect((await socket.closed).code).toBe(code);
      await expect.poll(() => tenant.lost.has("ann~1")).toBe(true);
    }
  });
});
