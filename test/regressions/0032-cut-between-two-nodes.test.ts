/*
 * A node that fell silent was forgotten after one doubt. Where it was only cut off from this node, its log-outs went unheard
 * until the sessions were looked up anyway.
 */
import { expect, test } from "vitest";
import { createSessionNodes } from "../support/session-nodes.ts";

const ann = { subject: "ann" };

test("a node that hears itself but not another one knows of the other's log-out within two seconds", async () => {
  const nodes = createSessionNodes();
  const a = nodes.start();
  // What a cluster does whose masters do not reach each other: messages of a do not come to b.
  const ofA = new Set<string>();
  let isCut = false;
  const publish = a.store.publish.bind(a.store);
  const noted = (message: string): Promise<void> => {
    ofA.add(message);
    return publish(message);
  };
  Object.assign(a.store, { publish: noted });
  const subscribe = nodes.core.subscribe.bind(nodes.core);
  const filtered = (hear: (message: string) => void): (() => void) =>
    subscribe((message) => {
      if (!isCut || !ofA.has(message)) hear(message);
    });
  Object.assign(nodes.core, { subscribe: filtered });
  const b = nodes.start();
  await nodes.pass(1000);
  await a.acquire(ann);
  const onB = await b.acquire(ann);
  isCut = true;
  await nodes.pass(5000);
  await b.acquire(ann);
  await nodes.pass(1000);
  await a.manager.logout(ann);
  const endedAt = nodes.clock.now();
  let last = 0;
  for (let turn = 0; turn < 40; turn += 1) {
    await nodes.pass(500, 100);
    const served = await b.acquire(ann).catch(() => null);
    if (served === onB) last = nodes.clock.now() - endedAt;
  }
  expect(last).toBeLessThanOrEqual(2000);
});
