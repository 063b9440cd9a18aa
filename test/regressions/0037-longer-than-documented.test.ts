/*
 * Sessions that lived longer, or less long, than the documents say: by a clock that was set back, on a node that was deaf,
 * after a long outage; and a node that took as long as its store to stop.
 */
import { expect, test } from "vitest";
import type { StoredDocument } from "../../src/store/session-store.ts";
import { createSessionNodes } from "../support/session-nodes.ts";

const ann = { subject: "ann" };
const minute = 60_000;

test("storeGrace is over in its time, also on a node whose clock is set back meanwhile", async () => {
  const nodes = createSessionNodes();
  const b = nodes.start();
  await nodes.pass(1000);
  await b.acquire(ann);
  b.store.isDown = true;
  await nodes.pass(2000);
  Object.assign(b.clock, { now: () => nodes.clock.now() - 60 * minute });
  await nodes.pass(3 * minute, 500);
  const asked = b.acquire(ann).catch((error: unknown) => error);
  await nodes.pass(1000);
  expect(await asked).toMatchObject({ code: "QSP-STORE" });
});

test("a session that was logged out while a node was deaf is not given back by it to a store that lost all", async () => {
  const nodes = createSessionNodes();
  const [a, b] = [nodes.start(), nodes.start()];
  await nodes.pass(1000);
  await a.acquire(ann);
  const onB = await b.acquire(ann);
  await nodes.pass(1000);
  b.store.isDeaf = true;
  await nodes.pass(10_000);
  // The store has acknowledged the log-out; then its node and the store's memory are gone.
  await a.manager.logout(ann);
  a.store.isDown = true;
  await nodes.pass(10_000);
  nodes.core.clear();
  b.store.isDeaf = false;
  await nodes.pass(5000);
  const served = await b.acquire(ann).catch(() => null);
  expect(served).not.toBe(onB);
});

test("a session whose socket is in use lives on after an outage of the store that was longer than the idle time", async () => {
  const nodes = createSessionNodes({ idleTimeout: minute });
  const b = nodes.start();
  await nodes.pass(1000);
  const session = await b.acquire(ann);
  b.sockets.add(session);
  b.store.isDown = true;
  for (let turn = 0; turn < 20; turn += 1) {
    await nodes.pass(5000, 500);
    b.manager.touch(session);
  }
  b.store.isDown = false;
  await nodes.pass(5000, 500);
  expect(session.ended).toBeNull();
});

test("a node stops in bounded time, however slow its store is", async () => {
  const nodes = createSessionNodes();
  const a = nodes.start();
  await nodes.pass(1000);
  for (let user = 0; user < 100; user += 1) a.manager.touch(await a.acquire({ subject: `user ${user}` }));
  await nodes.pass(1000);
  for (let user = 0; user < 100; user += 1) a.manager.touch(await a.acquire({ subject: `user ${user}` }));
  const read = a.store.read.bind(a.store);
  const slow = async (name: string): Promise<StoredDocument> => {
    await new Promise<void>((resolve) => void nodes.clock.setTimer(400, resolve));
    return read(name);
  };
  Object.assign(a.store, { read: slow });
  let isClosed = false;
  void a.manager.close().then(() => (isClosed = true));
  await nodes.pass(15_000);
  expect(isClosed).toBe(true);
});
