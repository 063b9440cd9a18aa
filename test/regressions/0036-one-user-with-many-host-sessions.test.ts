/*
 * Each log-out of a host session left a line in the user's document, and every notice carried all of them: a user who signed
 * in and out of the app made both grow without end.
 */
import { expect, test } from "vitest";
import { createSessionNodes } from "../support/session-nodes.ts";

test("a thousand log-outs of one user leave a document and notices of a bounded size", async () => {
  const nodes = createSessionNodes();
  const a = nodes.start();
  await nodes.pass(1000);
  let largest = 0;
  nodes.core.subscribe((message) => (largest = Math.max(largest, message.length)));
  for (let turn = 0; turn < 1000; turn += 1)
    await a.manager.logout({ subject: "mallory", sessionId: `${turn}` });
  await nodes.pass(500);
  const document = [...nodes.core.dump()].find(([name]) => name.startsWith("s."))?.[1].value.length ?? 0;
  expect(largest).toBeLessThan(8192);
  expect(document).toBeLessThan(128 * 1024);
});

test("the end of one of a user's fifty sessions is looked up once on each node, not once for each session", async () => {
  const nodes = createSessionNodes();
  const [a, b] = [nodes.start(), nodes.start()];
  await nodes.pass(1000);
  for (let turn = 0; turn < 50; turn += 1) {
    const owner = { subject: "service", sessionId: `${turn}` };
    await a.acquire(owner);
    await b.acquire(owner);
  }
  await nodes.pass(3000);
  const before = a.store.reads + b.store.reads;
  await a.manager.logout({ subject: "service", sessionId: "0" });
  await nodes.pass(1000);
  const reads = a.store.reads + b.store.reads - before;
  expect(reads).toBeLessThan(20);
});
