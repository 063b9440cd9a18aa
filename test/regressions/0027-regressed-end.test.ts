/*
 * A node took over what the store said of ends without comparing: the answer to an older question put an older end over a
 * newer one that had been heard meanwhile, and the user who had logged out was served again.
 */
import { expect, test } from "vitest";
import type { DocumentWrite, WriteOutcome } from "../../src/store/session-store.ts";
import { createSessionNodes, type SessionNode } from "../support/session-nodes.ts";

const ann = { subject: "ann" };

/** Answers to writes of sessions that hold one are under way until the returned function is called; the writes are done. */
function delayWriteAnswers(node: SessionNode, from: number): () => void {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const write = node.store.write.bind(node.store);
  let count = 0;
  const delayed = async (name: string, what: DocumentWrite): Promise<WriteOutcome> => {
    const outcome = await write(name, what);
    if (name.startsWith("s.")) count += 1;
    if (name.startsWith("s.") && count === from) await gate;
    return outcome;
  };
  Object.assign(node.store, { write: delayed });
  return open;
}

test.each(["log-out", "revocation"])(
  "a second %s that is heard before the answer to an earlier commit counts",
  async (kind) => {
    const nodes = createSessionNodes();
    const [a, b] = [nodes.start(), nodes.start()];
    const end = (): Promise<void> =>
      kind === "log-out" ? a.manager.logout(ann) : a.manager.revoke("ann", 0);
    await nodes.pass(1000);
    // Once before, long ago: the document has an end already.
    await a.acquire(ann);
    await end();
    await nodes.pass(60_000);
    // The lease is the first write, the commit the second.
    const release = delayWriteAnswers(b, 2);
    const opening = b.acquire(ann).catch(() => null);
    await nodes.pass(100);
    await a.acquire(ann);
    await end();
    await nodes.pass(100);
    release();
    const onB = await opening;
    await nodes.pass(3000);
    expect(onB === null || onB.ended !== null).toBe(true);
    const served = await b.acquire(ann);
    expect(served).not.toBe(onB);
  },
);
