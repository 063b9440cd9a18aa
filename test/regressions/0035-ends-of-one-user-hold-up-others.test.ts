/*
 * After a failover the remembered ends were told to the store one after the other, until the first that it refused: the ends
 * of all others were lost with that one.
 */
import { expect, test } from "vitest";
import type { DocumentWrite, WriteOutcome } from "../../src/store/session-store.ts";
import { createSessionNodes } from "../support/session-nodes.ts";

test("an end that cannot be told to the store again does not keep back the ends of other users", async () => {
  const nodes = createSessionNodes();
  const [a, b] = [nodes.start(), nodes.start()];
  await nodes.pass(1000);
  const owner = (subject: string) => ({ subject, sessionId: "host 1" });
  await a.acquire(owner("first"));
  const [document] = [...nodes.core.dump().keys()].filter((name) => name.startsWith("s."));
  for (const subject of ["second", "third"]) await a.acquire(owner(subject));
  const dump = nodes.core.dump();
  for (const subject of ["first", "second", "third"]) await a.manager.logout(owner(subject));
  await b.manager.close();
  await nodes.pass(1000);
  // A failover lost the ends; the document of one user cannot be written: too large, or its slot has no master.
  a.store.isDown = true;
  await nodes.pass(2000);
  nodes.core.rollBack(dump);
  const write = a.store.write.bind(a.store);
  const picky = (name: string, what: DocumentWrite): Promise<WriteOutcome> =>
    name === document ? Promise.reject(new Error("CLUSTERDOWN")) : write(name, what);
  Object.assign(a.store, { write: picky });
  a.store.isDown = false;
  await nodes.pass(30_000);
  await a.manager.close();
  const c = nodes.start();
  await nodes.pass(1000);
  await expect(c.acquire(owner("third"))).rejects.toMatchObject({ code: "QSP-UNAUTHENTICATED" });
});
