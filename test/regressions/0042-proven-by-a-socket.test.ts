/*
 * A renewed session that had opened a socket, and nothing else since, counted as one that never worked: when it was lost
 * within ten seconds of its login, the next request got the tenant's 401.
 */
import { afterEach, beforeEach, expect, test } from "vitest";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { startStack, type Stack } from "../support/stack.ts";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack();
});
afterEach(() => stack.close());

const me = "/api/v1/users/me";

test("a session that was renewed for a socket and is lost again is renewed for a request", async () => {
  expect((await stack.get(me)).status).toBe(200);
  stack.tenant.sessions.expire("ann");
  const socket = stack.socket(`/app/${APP_ID.sales}`);
  expect(await socket.message()).toContain("OnConnected");
  stack.tenant.sessions.expire("ann");
  expect((await stack.get(me)).status).toBe(200);
  socket.ws.close();
});
