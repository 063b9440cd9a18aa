import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, expect, test } from "vitest";
import type { Identity, ProxyEvent } from "../../src/index.ts";
import { startStack, type Stack, type StackOptions } from "../support/stack.ts";

/*
 * What a tester found who had the contract only: a host that hangs kept the proxy's own routes open for ever, a user
 * without an e-mail closed the login gate for everybody, refused upgrades left no line in the log, and the bytes of
 * a rewritten answer were counted as 0.
 */

const stacks: Stack[] = [];
async function start(options?: StackOptions): Promise<Stack> {
  const stack = await startStack(options);
  stacks.push(stack);
  return stack;
}
afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.close();
});

async function eventsOf(channel: string, work: () => Promise<unknown>): Promise<ProxyEvent[]> {
  const events: ProxyEvent[] = [];
  const listen = (event: unknown): void => void events.push(event as ProxyEvent);
  subscribe(channel, listen);
  try {
    await work();
    await expect.poll(() => events.length).toBeGreaterThan(0);
  } finally {
    unsubscribe(channel, listen);
  }
  return events;
}

test.each(["/_session", "/_session/events", "/login"])(
  "a host that hangs is given up on GET %s",
  async (path) => {
    const stack = await start({
      proxy: { identify: () => new Promise<Identity | null>(() => {}), timeouts: { login: "100ms" } },
    });
    const answer = await stack.get(path);
    expect([answer.status, answer.text]).toEqual([503, expect.stringContaining("QSP-IDENTITY")]);
  },
);

test("users whom the tenant misses an e-mail of are refused one by one, and nobody else", async () => {
  const stack = await start({
    proxy: { identify: (request) => ({ subject: String(request.headers["x-test-user"]) }) },
  });
  for (const user of ["ann", "bob", "cid", "dan"]) {
    const answer = await stack.get("/api/v1/users/me", { user });
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining("QSP-USER-REFUSED")]);
  }
  expect(stack.proxy.stats().loginsHeldBack).toBe(false);
  expect((await stack.get("/api/v1/users/me", { user: "eve@example.test" })).status).toBe(200);
});

test("a refused upgrade is in the log, under the trace id of its answer", async () => {
  const stack = await start();
  let body = "";
  const [event] = await eventsOf("qsp:socket", async () => {
    body = (await stack.socket("/app/x", { headers: { origin: "https://evil.example" } }).refused).body;
  });
  expect(event).toMatchObject({
    event: "socket.refused",
    level: "info",
    code: "QSP-CROSS-SITE",
    status: 403,
  });
  expect(body).toContain(event?.traceId);
});

test("the bytes of a rewritten and compressed answer are counted", async () => {
  const stack = await start();
  let length = 0;
  const events = await eventsOf("qsp:exchange", async () => {
    const answer = await stack.get("/api/v1/items", { headers: { "accept-encoding": "gzip" } });
    expect(answer.header("content-encoding")).toBe("gzip");
    length = answer.body.length;
  });
  expect(events.at(-1)?.bytes).toBe(length);
});
