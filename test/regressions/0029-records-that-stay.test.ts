/*
 * Ended keys were never forgotten: the memory store did not tidy its documents, and over other stores nodes wrote back what
 * had just been dropped, with a new date, for ever.
 */
import { expect, test } from "vitest";
import type { Clock } from "../../src/kernel/clock.ts";
import { SessionManager } from "../../src/session/session-manager.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { createSeal } from "../../src/store/seal.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createSessionNodes, nodeDurations, settle } from "../support/session-nodes.ts";
import { testBackend } from "../support/test-backend.ts";

const minute = 60_000;
const secret = `secret ${"x".repeat(32)}`;
const seal = createSeal([secret]);

function keysIn(dump: Iterable<readonly [string, { readonly value: string }]>): number {
  let keys = 0;
  for (const [name, { value }] of dump) {
    if (!name.startsWith("s.")) continue;
    const { keys: found } = JSON.parse(seal.open(name, value)?.text ?? "{}") as { keys: object };
    keys += Object.keys(found).length;
  }
  return keys;
}

test("shared store: ended host sessions of a user who stays active are forgotten in the end", async () => {
  const nodes = createSessionNodes({ maxLifetime: 2 * minute, idleTimeout: minute });
  const a = nodes.start();
  await nodes.pass(1000);
  for (let turn = 0; turn < 10; turn += 1) {
    await a.acquire({ subject: "ann", sessionId: `old ${turn}` });
    await a.manager.logout({ subject: "ann", sessionId: `old ${turn}` });
    await nodes.pass(500);
  }
  // keepFor = 2 min + 10 s + 5 min. The user goes on working in another host session, for an hour.
  for (let turn = 0; turn < 60 * 12; turn += 1) {
    await a.acquire({ subject: "ann", sessionId: "now" }).catch(() => null);
    await nodes.pass(5000, 2500);
  }
  expect(keysIn(nodes.core.dump())).toBeLessThanOrEqual(2);
});

class OpenMemoryStore extends MemoryStore {
  dump(): ReadonlyMap<string, { readonly value: string }> {
    return this.documents;
  }
}

function manager(clock: Clock, store: MemoryStore): SessionManager {
  let logins = 0;
  return new SessionManager({
    clock,
    store,
    seal,
    tenant: {
      origin: "https://tenant.example",
      backend: testBackend,
      useSecureCookies: true,
    },
    durations: { ...nodeDurations, maxLifetime: 2 * minute, idleTimeout: minute },
    loginTimeout: 10_000,
    loginsPerMinute: 1000,
    storeTimeout: 500,
    storeGrace: minute,
    callFor: () => async () => {
      logins += 1;
      return {
        status: 200,
        headers: ["set-cookie", `eas.sid=t${logins}; path=/; secure`],
        body: Buffer.from("{}"),
      };
    },
    hasSockets: () => false,
    closeSockets: () => {},
    released: () => {},
  });
}

test("memory store: host sessions that are long over are forgotten", async () => {
  const clock = createManualClock();
  const store = new OpenMemoryStore(clock);
  const sessions = manager(clock, store);
  const identity = (turn: number) => ({ subject: "monitor", sessionId: `run ${turn}` });
  for (let turn = 0; turn < 200; turn += 1) {
    const evidence = {
      identity: identity(turn),
      at: clock.now(),
      again: () => Promise.resolve(identity(turn)),
    };
    await sessions.acquire(evidence);
    await sessions.logout(identity(turn));
    clock.advance(minute);
    await settle();
  }
  // Ends are remembered for 2 min + 10 s + 5 min here: eight of the two hundred.
  expect(keysIn(store.dump())).toBeLessThan(20);
  await sessions.close();
  await store.close();
});
