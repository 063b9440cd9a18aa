/*
 * A node that had not heard of another's renewal took the renewed session over in answer to a 401, counted that as its own
 * renewal, and passed the next 401 on: the renewed session had been lost in its turn meanwhile.
 */
import { afterEach, beforeEach, expect, test } from "vitest";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { NodeStore, SharedMemoryStore } from "../support/shared-memory-store.ts";
import { startStack, type Stack } from "../support/stack.ts";

let a: Stack;
let b: Stack;
let storeOfB: NodeStore;

beforeEach(async () => {
  const core = new SharedMemoryStore(systemClock);
  const secret = "s".repeat(32);
  storeOfB = new NodeStore(core);
  a = await startStack({ proxy: { store: new NodeStore(core), secret } });
  b = await startStack({ tenantOrigin: a.tenant.origin, proxy: { store: storeOfB, secret } });
});
afterEach(async () => {
  await b.close();
  await a.close();
});

const me = "/api/v1/users/me";

/** Both nodes know the session, one renewed it, the other does not know, and it is lost again. */
async function loseTwice(): Promise<void> {
  for (const node of [a, b]) expect((await node.get(me)).status).toBe(200);
  storeOfB.isDeaf = true;
  a.tenant.sessions.expire("ann");
  expect((await a.get(me)).status).toBe(200);
  a.tenant.sessions.expire("ann");
}

test("a request that meets a session renewed elsewhere and lost again is answered", async () => {
  await loseTwice();
  expect((await b.get(me)).status).toBe(200);
});

test("a socket that meets a session renewed elsewhere and lost again is opened", async () => {
  await loseTwice();
  const socket = b.socket(`/app/${APP_ID.sales}`);
  expect(await socket.message()).toContain("OnConnected");
  socket.ws.close();
});
