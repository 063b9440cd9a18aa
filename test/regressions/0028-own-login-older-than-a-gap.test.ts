/*
 * A session was dated by the answer to its commit. A notice that was lost while the answer was under way, and the gap that
 * showed it, were older than that, and the session was believed although it had been ended.
 */
import { expect, test } from "vitest";
import type { DocumentWrite, WriteOutcome } from "../../src/store/session-store.ts";
import { createSessionNodes } from "../support/session-nodes.ts";

const ann = { subject: "ann" };

test("a login whose commit was answered after a gap in the notices is looked up before it is used again", async () => {
  const nodes = createSessionNodes();
  const [a, b] = [nodes.start(), nodes.start()];
  await nodes.pass(1000);
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const write = b.store.write.bind(b.store);
  let count = 0;
  const delayed = async (name: string, what: DocumentWrite): Promise<WriteOutcome> => {
    const outcome = await write(name, what);
    if (name.startsWith("s.")) count += 1;
    if (name.startsWith("s.") && count === 2) await gate;
    return outcome;
  };
  Object.assign(b.store, { write: delayed });
  const opening = b.acquire(ann).catch(() => null);
  await nodes.pass(50, 10);
  await a.acquire(ann);
  b.store.isDeaf = true;
  await a.manager.logout(ann);
  await nodes.pass(20, 10);
  b.store.isDeaf = false;
  // The next beat shows the gap; all that is cached is looked up, and this session is not cached yet.
  await nodes.pass(320, 20);
  open();
  const onB = await opening;
  await nodes.pass(3000);
  expect(await b.acquire(ann)).not.toBe(onB);
});
