/*
 * A store that refuses writes and answers everything else was lost and back three times a second, and every return made
 * every node look up every session.
 */
import { channel } from "node:diagnostics_channel";
import { expect, test } from "vitest";
import { createSessionNodes } from "../support/session-nodes.ts";

/** A server that is full (`OOM`), or one master of a cluster that is away: some calls fail, beats go on. */
test("a store that refuses writes and answers the rest is not lost and found several times a second", async () => {
  const nodes = createSessionNodes();
  const a = nodes.start();
  await nodes.pass(1000);
  for (let user = 0; user < 50; user += 1) await a.acquire({ subject: `user ${user}` });
  await nodes.pass(3000);
  const events: string[] = [];
  const hear = (event: unknown): void => void events.push((event as { event: string }).event);
  channel("qsp:session").subscribe(hear);
  Object.assign(a.store, { write: () => Promise.reject(new Error("OOM command not allowed")) });
  await expect(a.manager.logout({ subject: "user 0" })).rejects.toMatchObject({ code: "QSP-STORE" });
  const readsBefore = a.store.reads;
  await nodes.pass(10_000);
  channel("qsp:session").unsubscribe(hear);
  const flaps = events.filter((event) => event.startsWith("store.")).length;
  expect(flaps).toBeLessThanOrEqual(2);
  expect(a.store.reads - readsBefore).toBeLessThan(300);
});
