import { expect, test } from "vitest";
import { MemoryStore, mostDocuments } from "./memory-store.ts";

const clock = { now: () => 1_000_000, setTimer: () => () => {} };

async function write(store: MemoryStore, name: string, keepFor = 1000): Promise<void> {
  const { version, now } = await store.read(name);
  await store.write(name, { version, readAt: now, value: "v", keepFor });
}

test("the documents written longest ago give way, but not those that are kept for much longer", async () => {
  const store = new MemoryStore(clock);
  await write(store, "index", 1_000_000);
  await write(store, "first");
  await write(store, "second");
  for (let count = 3; count < mostDocuments; count += 1) await write(store, `n${count}`);
  expect(store.size).toBe(mostDocuments);
  await write(store, "first");
  await write(store, "one more");
  expect(store.size).toBe(mostDocuments);
  const present = await Promise.all(["index", "first", "second", "one more"].map((name) => store.read(name)));
  expect(present.map(({ value }) => value)).toEqual(["v", "v", null, "v"]);
  await store.close();
});
