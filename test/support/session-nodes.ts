import { setImmediate } from "node:timers";
import type { Clock } from "../../src/kernel/clock.ts";
import type { ProxySession } from "../../src/session/proxy-session.ts";
import type { Evidence, SessionSubject } from "../../src/session/openings.ts";
import type { SessionDurations } from "../../src/session/session-deadlines.ts";
import { SessionManager } from "../../src/session/session-manager.ts";
import { createSeal } from "../../src/store/seal.ts";
import type { TenantAnswer, TenantCall } from "../../src/tenant/port.ts";
import { createManualClock, type ManualClock } from "./manual-clock.ts";
import { NodeStore, SharedMemoryStore } from "./shared-memory-store.ts";
import { testBackend } from "./test-backend.ts";

const minute = 60_000;

export const nodeDurations: SessionDurations = {
  idleTimeout: 20 * minute,
  maxLifetime: 8 * 60 * minute,
  renewBefore: 2 * minute,
  revalidate: 10 * minute,
  tenantIdle: 30 * minute,
  tenantLifetime: 24 * 60 * minute,
};

const defaultSecrets: readonly [string, ...string[]] = [`secret ${"x".repeat(32)}`];

/** A tenant that counts, and remembers which of its sessions live. */
export interface CountingTenant {
  logins: number;
  /** Ids of the sessions that were begun and not ended. */
  readonly living: Set<string>;
  /** Answered instead of a login, as long as it is set. */
  refusal: TenantAnswer | null;
  /** Logins wait for it. */
  gate: Promise<void> | null;
}

/** One node of a test. */
export interface SessionNode {
  readonly manager: SessionManager;
  readonly store: NodeStore;
  readonly clock: Clock;
  /** Close codes and reasons in the order in which sockets were closed. */
  readonly closed: { readonly session: ProxySession; readonly code: number; readonly reason: string }[];
  /** Sessions that have sockets. */
  readonly sockets: Set<ProxySession>;
  /** Asks for a session as a request does; the host vouches now unless `at` says otherwise. */
  acquire(identity: SessionSubject, at?: number): Promise<ProxySession>;
}

/** Nodes over one store and one tenant, on a clock that the test moves. */
export interface SessionNodes {
  readonly clock: ManualClock;
  readonly core: SharedMemoryStore;
  readonly tenant: CountingTenant;
  /** Starts a node; `ahead` is by how much its clock is before the store's, in milliseconds. */
  start(options?: {
    readonly ahead?: number;
    readonly secrets?: readonly [string, ...string[]];
  }): SessionNode;
  /** Lets time pass in small steps, with all that follows from it. */
  pass(ms: number, stride?: number): Promise<void>;
}

/** Lets everything run that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** Prepares a shared store and a tenant, which sends `headers` with answers to living sessions; nodes are started by the test. */
export function createSessionNodes(
  durations: Partial<SessionDurations> = {},
  headers: Readonly<Record<string, string>> = {},
): SessionNodes {
  const clock = createManualClock();
  const core = new SharedMemoryStore(clock);
  const tenant: CountingTenant = { logins: 0, living: new Set(), refusal: null, gate: null };
  const call = tenantCall(tenant, Object.entries(headers).flat());

  const start: SessionNodes["start"] = ({ ahead = 0, secrets = defaultSecrets } = {}) => {
    const store = new NodeStore(core);
    const own: Clock = { now: () => clock.now() + ahead, setTimer: clock.setTimer };
    const closed: SessionNode["closed"] = [];
    const sockets = new Set<ProxySession>();
    const manager = new SessionManager({
      clock: own,
      store,
      seal: createSeal(secrets),
      tenant: {
        origin: "https://tenant.example",
        backend: testBackend,
        useSecureCookies: true,
      },
      durations: { ...nodeDurations, ...durations },
      loginTimeout: 10_000,
      loginsPerMinute: 1000,
      storeTimeout: 500,
      storeGrace: minute,
      callFor: () => call,
      hasSockets: (session) => sockets.has(session),
      closeSockets: (session, code, reason) => void closed.push({ session, code, reason }),
      released: () => {},
    });
    const acquire: SessionNode["acquire"] = async (identity, at = own.now()) => {
      const evidence: Evidence = { identity, at, again: () => Promise.resolve(identity) };
      return manager.acquire(evidence);
    };
    return { manager, store, clock: own, closed, sockets, acquire };
  };

  return {
    clock,
    core,
    tenant,
    start,
    async pass(ms, stride = 100) {
      await settle();
      for (let passed = 0; passed < ms; passed += stride) {
        clock.advance(Math.min(stride, ms - passed));
        await settle();
      }
    },
  };
}

function tenantCall(tenant: CountingTenant, living: readonly string[]): TenantCall {
  return async ({ path, headers }) => {
    if (path === "/login/jwt-session") {
      tenant.logins += 1;
      const id = `t${tenant.logins}`;
      if (tenant.gate) await tenant.gate;
      if (tenant.refusal) return tenant.refusal;
      tenant.living.add(id);
      return answer(200, ["set-cookie", `eas.sid=${id}; path=/; secure`]);
    }
    const id = /eas\.sid=(\w+)/.exec(headers.join("\n"))?.[1] ?? "";
    if (path === "/logout") {
      tenant.living.delete(id);
      return answer(200, []);
    }
    return tenant.living.has(id) ? answer(200, living) : answer(401, []);
  };
}

const answer = (status: number, headers: readonly string[]): TenantAnswer => ({
  status,
  headers,
  body: Buffer.from("{}"),
});
