import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, expect, test } from "vitest";
import type { ProxyEvent } from "../../src/index.ts";
import { startStack, type Stack } from "../support/stack.ts";

/*
 * A handshake that the tenant refused went back to the browser as it should, and nobody was told: no line in the log, no
 * count. An operator whose users have no charts, because the tenant takes requests and no sockets, saw nothing at all.
 */

let stack: Stack | undefined;
afterEach(() => stack?.close());

test("a handshake that the tenant refuses is told of, with the tenant's status and no code of ours", async () => {
  stack = await startStack();
  await stack.get("/api/v1/users/me");
  stack.tenant.fault({ kind: "status", status: 418, path: "/app/some-app" });
  const events: ProxyEvent[] = [];
  const listen = (event: unknown): void => void events.push(event as ProxyEvent);
  subscribe("qsp:socket", listen);
  try {
    expect((await stack.socket("/app/some-app").refused).status).toBe(418);
  } finally {
    unsubscribe("qsp:socket", listen);
  }
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ event: "socket.refused", route: "engine", status: 418 });
  expect(events[0]?.code).toBeUndefined();
  expect(events[0]?.session).toMatch(/^[0-9a-f]{12}$/);
});
