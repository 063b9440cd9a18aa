/*
 * A request that met the renewal that already ran in the background waited behind it, and that one behind all users' logins,
 * without limit. And a node that stopped failed the requests that waited for its login on other nodes.
 */
import { expect, test } from "vitest";
import type { Clock } from "../../src/kernel/clock.ts";
import { SessionManager } from "../../src/session/session-manager.ts";
import { createSeal } from "../../src/store/seal.ts";
import type { SessionStore } from "../../src/store/session-store.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { nodeDurations, settle } from "../support/session-nodes.ts";
import { NodeStore, SharedMemoryStore } from "../support/shared-memory-store.ts";
import { testBackend } from "../support/test-backend.ts";

const minute = 60_000;

function start(
  clock: Clock,
  store: SessionStore,
  living: Set<string>,
  loginsPerMinute: number,
): SessionManager {
  let logins = 0;
  return new SessionManager({
    clock,
    store,
    seal: createSeal([`secret ${"x".repeat(32)}`]),
    tenant: {
      origin: "https://tenant.example",
      backend: testBackend,
      useSecureCookies: true,
    },
    durations: { ...nodeDurations, tenantLifetime: 5 * minute, renewBefore: minute },
    loginTimeout: 10_000,
    loginsPerMinute,
    storeTimeout: 500,
    storeGrace: minute,
    callFor:
      () =>
      async ({ path, headers }) => {
        const body = Buffer.from("{}");
        if (path === "/login/jwt-session") {
          logins += 1;
          living.add(`t${logins}`);
          return { status: 200, headers: ["set-cookie", `eas.sid=t${logins}; path=/; secure`], body };
        }
        const id = /eas\.sid=(\w+)/.exec(headers.join("\n"))?.[1] ?? "";
        return { status: living.has(id) ? 200 : 401, headers: [], body };
      },
    hasSockets: () => false,
    closeSockets: () => {},
    released: () => {},
  });
}

const evidenceOf = (clock: Clock, subject: string) => ({
  identity: { subject },
  at: clock.now(),
  again: () => Promise.resolve({ subject }),
});

async function pass(clock: ReturnType<typeof createManualClock>, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    clock.advance(250);
    await settle();
  }
}

test("a request whose tenant session is lost is not kept waiting behind its own renewal in the background", async () => {
  const clock = createManualClock();
  const living = new Set<string>();
  const sessions = start(clock, new NodeStore(new SharedMemoryStore(clock)), living, 6);
  await pass(clock, 1000);
  const opening = sessions.acquire(evidenceOf(clock, "ann"));
  await pass(clock, 500);
  const ann = await opening;
  // New users arrive all the time, one each ten seconds' turn is for one of them; the renewal in the background waits.
  const arrive = async (turns: number): Promise<void> => {
    for (let turn = 0; turn < turns; turn += 1) {
      for (let each = 0; each < 2; each += 1) {
        const user = `user ${clock.now()} ${each}`;
        Promise.resolve(sessions.acquire(evidenceOf(clock, user))).catch(() => {});
      }
      await pass(clock, 5000);
      sessions.touch(ann);
    }
  };
  await arrive(50);
  expect(ann.current.generation).toBe(1);
  living.clear();
  let outcome = "waits";
  sessions.generations.afterAuthLoss(ann, ann.current).then(
    () => (outcome = "renewed"),
    (error: { readonly code: string }) => (outcome = error.code),
  );
  // Three times the longest that a login may take.
  await arrive(6);
  expect(outcome).not.toBe("waits");
});

test("a node that stops while its logins wait for their turn does not fail the requests of other nodes", async () => {
  const clock = createManualClock();
  const living = new Set<string>();
  const core = new SharedMemoryStore(clock);
  const a = start(clock, new NodeStore(core), living, 6);
  const b = start(clock, new NodeStore(core), living, 6);
  await pass(clock, 1000);
  for (let user = 0; user < 6; user += 1)
    Promise.resolve(a.acquire(evidenceOf(clock, `user ${user}`))).catch(() => {});
  await pass(clock, 500);
  // The next turn is ten seconds away, or a little less.
  await pass(clock, 3000);
  Promise.resolve(a.acquire(evidenceOf(clock, "ann"))).catch(() => {});
  await pass(clock, 500);
  let outcome = "waits";
  Promise.resolve(b.acquire(evidenceOf(clock, "ann"))).then(
    () => (outcome = "served"),
    (error: { readonly code: string }) => (outcome = error.code),
  );
  await pass(clock, 500);
  await a.close();
  await pass(clock, 12_000);
  expect(outcome).toBe("served");
});
