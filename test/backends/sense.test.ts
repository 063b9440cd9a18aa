import { afterEach, expect, test } from "vitest";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { startStack, type Stack, type StackOptions } from "../support/stack.ts";
import { loginsAt, testDirectory, valueOf } from "../support/tenant-kind.ts";

/* What only Qlik Sense has. facts §10 */

const kind = "qlik-sense-jwt";
const stacks: Stack[] = [];
afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.close();
});
const start = async (options: StackOptions = {}): Promise<Stack> => {
  const stack = await startStack({ kind, ...options });
  stacks.push(stack);
  return stack;
};
const items = "/api/v1/items?limit=2";
const userOf = (each: number): string => `ann;host-session-${each}`;

test("a user with more host sessions than the server allows has one session there, and ends with one log-out", async () => {
  const clock = createManualClock();
  const stack = await start({ clock });
  const users = Array.from({ length: 8 }, (_each, index) => userOf(index));
  const answers = await Promise.all(users.map((user) => stack.get(items, { user })));
  expect(answers.map(({ status }) => status)).toEqual(users.map(() => 200));
  expect(loginsAt(stack.tenant, kind)).toHaveLength(1);
  const headers = { origin: stack.origin };
  expect((await stack.get("/_session", { method: "DELETE", user: userOf(0), headers })).status).toBe(204);
  await expect.poll(() => stack.tenant.sessions.list()).toEqual([]);
  expect((await stack.get(items, { user: userOf(1) })).status).toBe(401);
  // Who is still vouched for comes back, whatever the host session: no name of one stands in the way. rules R1
  clock.advance(3000);
  expect((await stack.get(items, { user: userOf(1) })).status).toBe(200);
});

test("renewals under open sockets stay below the number of sessions that a user may have", async () => {
  const stack = await start();
  for (let renewal = 0; renewal < 4; renewal += 1) {
    const socket = stack.socket(`/app/${APP_ID.sales}`);
    expect(await socket.message()).toContain("OnConnected");
    expect(stack.tenant.sessions.list().length).toBeLessThanOrEqual(3);
    stack.tenant.sessions.expire();
  }
  expect((await stack.get(items)).status).toBe(200);
});

test("a virtual proxy with other names than usual is asked by them", async () => {
  const names = {
    virtualProxy: "portal",
    sessionCookie: "X-Qlik-Session-portal",
    userIdClaim: "uid",
    userDirectoryClaim: "dir",
    socketOrigin: "https://portal.example.com",
  };
  const stack = await start({
    tenant: {
      virtualProxy: {
        prefix: names.virtualProxy,
        sessionCookie: names.sessionCookie,
        userIdAttribute: names.userIdClaim,
        userDirectoryAttribute: names.userDirectoryClaim,
        hostAllowList: [names.socketOrigin],
      },
    },
    tenantNames: names,
  });
  expect((await stack.get("/api/v1/users/me")).json()).toMatchObject({ subject: `${testDirectory}\\ann` });
  expect(await stack.socket(`/app/${APP_ID.sales}`).message()).toContain("OnConnected");
  const [upgrade] = stack.tenant.recordings({ upgrade: true });
  if (upgrade === undefined) throw new Error("no upgrade was seen");
  expect(upgrade.url.startsWith("/portal/app/")).toBe(true);
  expect(valueOf(upgrade, "origin")).toBe(names.socketOrigin);
  expect(valueOf(upgrade, "authorization")).toBeUndefined();
  expect(valueOf(upgrade, "cookie")).toMatch(/^X-Qlik-Session-portal=[^;]+$/);
});

test("the bearer travels once, however often the user asks", async () => {
  const stack = await start();
  for (let more = 0; more < 5; more += 1) await stack.get(items);
  await stack.socket(`/app/${APP_ID.sales}`).message();
  const bearers = stack.tenant.recordings().filter((each) => valueOf(each, "authorization") !== undefined);
  expect(bearers.map(({ url }) => url.split("?")[0])).toEqual(["/jwt/qps/csrftoken"]);
  expect(stack.tenant.sessions.list()).toHaveLength(1);
});
