import { expect, test } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { MemoryStore } from "../../store/memory-store.ts";
import type { KeptStoreCalls } from "./calls.ts";
import { callsOf, createKeptStore, type KeptStore } from "./kept-store.ts";
import { createPeer, type Peer } from "./peer.ts";

test("every worker hears a message once, who says it too", async () => {
  const core = new MemoryStore(systemClock);
  const workers: KeptStore[] = [];
  const join = (): KeptStore => {
    const tellOthers = (message: string): void => {
      for (const worker of workers) if (worker !== joined) worker.hear(message);
    };
    const here: Peer<KeptStoreCalls> = createPeer({ calls: {}, send: (message) => there.receive(message) });
    const there = createPeer<never>({
      calls: { ...callsOf(core, tellOthers) },
      send: (message) => here.receive(message),
    });
    const joined = createKeptStore(here);
    workers.push(joined);
    return joined;
  };
  const heard: string[] = [];
  for (const name of ["one", "other"])
    join().store.subscribe((message) => heard.push(`${name} hears ${message}`));
  await workers[0]?.store.publish("a beat");
  expect(heard.toSorted((first, second) => first.localeCompare(second))).toEqual([
    "one hears a beat",
    "other hears a beat",
  ]);
  await core.close();
});
