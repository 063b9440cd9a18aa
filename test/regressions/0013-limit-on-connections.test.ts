/*
 * `upstream.total` was counted when a connection stood, so a burst of users passed it before the first one did; and
 * connections that nobody used kept their places, so that users were told "busy" who could have had them. The number
 * is a limit at every moment, the connection that was left alone longest gives way, and only a proxy whose
 * connections are all at work turns somebody away.
 */
import { expect, test } from "vitest";
import { startNamedTenant } from "../support/named-tenant.ts";
import type { SessionProxyOptions } from "../../src/index.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const path = "/api/v1/items/1";
const total = 3;

/** Nothing goes away by itself while a test runs. Milliseconds. */
const idle = 60_000;

async function start(upstream: SessionProxyOptions["upstream"] & object = {}) {
  const tenant = started.keep(await startNamedTenant());
  const stack = await started.stack({
    tenantOrigin: tenant.origin,
    proxy: { upstream: { total, perSession: 2, idle, ...upstream } },
  });
  return { tenant, stack };
}

const users = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `user-${index}`);

test("a burst of users never works on more connections than there may be, and nobody is turned away", async () => {
  const { tenant, stack } = await start();
  let working = 0;
  let most = 0;
  const work = async (): Promise<boolean> => {
    working += 1;
    most = Math.max(most, working);
    await new Promise((resolve) => setTimeout(resolve, 5));
    working -= 1;
    return true;
  };
  tenant.onLogin(work);
  tenant.onCall(work);
  const answers = await Promise.all(users(40).map((user) => stack.get(path, { user })));
  expect(answers.map(({ status }) => status)).toEqual(users(40).map(() => 200));
  expect(answers.map(({ text }) => text.split("~")[0])).toEqual(users(40));
  expect(most).toBeLessThanOrEqual(total);
  await expect.poll(() => tenant.connections.size).toBeLessThanOrEqual(total);
});

test("unused connections of other users give way", async () => {
  const { tenant, stack } = await start();
  for (const user of users(12)) {
    const answer = await stack.get(path, { user });
    expect([answer.status, answer.text.split("~")[0]]).toEqual([200, user]);
  }
  await expect.poll(() => tenant.connections.size).toBeLessThanOrEqual(total);
});

test("unused connections are not more than `upstream.idleTotal`", async () => {
  const { tenant, stack } = await start({ total: 100, idleTotal: 4 });
  for (const user of users(12)) expect((await stack.get(path, { user })).status).toBe(200);
  await expect.poll(() => tenant.connections.size).toBeLessThanOrEqual(4);
});

test("a user is turned away where every connection is at work, and served when one is free", async () => {
  const { tenant, stack } = await start();
  const held: (() => void)[] = [];
  for (const user of users(total)) await stack.get(path, { user });
  tenant.onCall(async ({ url }) => {
    if (url === path) await new Promise<void>((resolve) => void held.push(resolve));
    return true;
  });
  const slow = users(total).map((user) => stack.get(path, { user }));
  await expect.poll(() => held.length).toBe(total);
  const answer = await stack.get(path, { user: "late" });
  expect(answer.status).toBe(503);
  expect(answer.header("retry-after")).toMatch(/^\d+$/);
  expect(answer.text).toContain("QSP-BUSY");
  tenant.onCall(() => true);
  const waiting = stack.get("/api/v1/items/2", { user: "user-0" });
  for (const release of held) release();
  expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await waiting).status).toBe(200);
});
