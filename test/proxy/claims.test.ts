import { describe, expect, test } from "vitest";
import type { Identity, SessionProxyOptions } from "../../src/index.ts";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { createManualClock, type ManualClock } from "../support/manual-clock.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";
import { loginsAt } from "../support/tenant-kind.ts";

/* Of a tenant that is told at the login who a user is: one that gives tokens looks the user up instead. facts §1.3, §9, §10.1 */

const started = cleanedUp();
async function start(proxy: Partial<SessionProxyOptions>): Promise<{ stack: Stack; clock: ManualClock }> {
  const clock = createManualClock();
  return { clock, stack: await started.stack({ clock, proxy }) };
}

const second = 1000;
const minute = 60 * second;
const items = "/api/v1/items?limit=2";
const ann: Identity = { subject: "ann", name: "Ann", email: "ann@acme.test" };
const logins = ({ tenant }: Stack) => loginsAt(tenant);

describe("claims", () => {
  const withGroups = (...groups: string[]): Identity => ({ ...ann, groups });

  test("that changed renew the session once, at most every half minute", async () => {
    let identity = withGroups("sales");
    const { stack, clock } = await start({ identify: () => identity });
    await stack.get(items);
    clock.advance(30 * second);
    identity = { ...identity, name: "Ann B" };
    await Promise.all([1, 2, 3].map(() => stack.get(items)));
    await expect.poll(() => logins(stack).length).toBe(2);
    await expect.poll(() => stack.tenant.users.list().map(({ name }) => name)).toEqual(["Ann B"]);
    identity = { ...identity, name: "Ann C" };
    await stack.get(items);
    await stack.get(items);
    expect(logins(stack)).toHaveLength(2);
    clock.advance(30 * second);
    await stack.get(items);
    await expect.poll(() => logins(stack).length).toBe(3);
  });

  test("in another order, or said twice, are the same claims", async () => {
    let identity = withGroups("a", "b");
    const { stack, clock } = await start({ identify: () => identity });
    await stack.get(items);
    clock.advance(minute);
    identity = withGroups("b", "a", "b");
    await stack.get(items);
    await stack.get("/_session");
    expect(logins(stack)).toHaveLength(1);
  });

  test("a group taken away closes the sockets with 4003; one that is added leaves them", async () => {
    let identity = withGroups("sales");
    const { stack, clock } = await start({ identify: () => identity });
    const socket = stack.socket(`/app/${APP_ID.sales}`);
    await socket.message();
    clock.advance(minute);
    identity = withGroups("sales", "service");
    await stack.get(items);
    await expect.poll(() => logins(stack).length).toBe(2);
    expect(stack.proxy.stats().sockets).toBe(1);
    clock.advance(minute);
    identity = withGroups("service");
    await stack.get(items);
    expect(await socket.closed).toEqual({ code: 4003, reason: '{"code":"QSP-CLAIMS"}' });
    expect(logins(stack)).toHaveLength(3);
  });
});
