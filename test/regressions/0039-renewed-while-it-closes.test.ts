/*
 * A process whose sessions end with it closed while a renewal was at the tenant. The fresh tenant session was left there, as
 * if other nodes could go on with it.
 */
import { expect, test } from "vitest";
import { SessionManager } from "../../src/session/session-manager.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { createSeal } from "../../src/store/seal.ts";
import type { TenantAnswer } from "../../src/tenant/port.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { nodeDurations, settle } from "../support/session-nodes.ts";
import { testBackend } from "../support/test-backend.ts";

const answer = (headers: readonly string[]): TenantAnswer => ({
  status: 200,
  headers,
  body: Buffer.from("{}"),
});

test("a renewal that outlasts the process over the memory store leaves no session at the tenant", async () => {
  const clock = createManualClock();
  const living = new Set<string>();
  let logins = 0;
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const manager = new SessionManager({
    clock,
    store: new MemoryStore(clock),
    seal: createSeal(["x".repeat(32)]),
    tenant: {
      origin: "https://tenant.example",
      backend: testBackend,
      useSecureCookies: true,
    },
    durations: nodeDurations,
    loginTimeout: 10_000,
    loginsPerMinute: 1000,
    storeTimeout: 500,
    storeGrace: 60_000,
    callFor:
      () =>
      async ({ path, headers }) => {
        if (path === "/login/jwt-session") {
          logins += 1;
          const id = `t${logins}`;
          if (logins > 1) await gate;
          living.add(id);
          return answer(["set-cookie", `eas.sid=${id}; path=/; secure`]);
        }
        const id = /eas\.sid=(\w+)/.exec(headers.join("\n"))?.[1] ?? "";
        if (path === "/logout") living.delete(id);
        return answer([]);
      },
    hasSockets: () => false,
    closeSockets: () => {},
    released: () => {},
  });
  const identity = { subject: "ann" };
  const session = await manager.acquire({
    identity,
    at: clock.now(),
    again: () => Promise.resolve(identity),
  });
  const renewal = manager.generations.renew(session, session.current, "auth-loss").catch(() => null);
  await expect.poll(() => logins).toBe(2);
  await manager.close();
  open();
  expect(await renewal).toBeNull();
  await settle();
  expect([...living]).toEqual([]);
});
