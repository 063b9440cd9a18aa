import { SessionManager } from "../../src/session/session-manager.ts";
import type { ProxySession } from "../../src/session/proxy-session.ts";
import type { TenantSession } from "../../src/session/tenant-session.ts";
import type { Seal } from "../../src/store/seal.ts";
import type { AssertionKey } from "../../src/tenant/assertion.ts";
import { createCloudJwt } from "../../src/tenant/cloud-jwt/backend.ts";
import type { Browser } from "./host.ts";
import type { Plan } from "./plan.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedStore } from "./simulated-store.ts";
import type { SimulatedTenant } from "./simulated-tenant.ts";
import type { Trace } from "./trace.ts";

/** Where every node believes the tenant to be. */
const tenantOrigin = "https://tenant.example";

/** A signature that only the simulated tenant believes. */
const signingKey: AssertionKey = {
  issuer: "simulation",
  keyId: "1",
  alg: "ES384",
  sign: () => new Uint8Array(8),
};

/** An open socket of a browser. */
export interface SimulatedSocket {
  readonly browser: Pick<Browser, "user" | "sessionId">;
  readonly session: ProxySession;
  readonly generation: TenantSession;
  readonly release: () => void;
}

/** What is the same for all nodes of a simulation. */
export interface NodeSurroundings {
  readonly scheduler: Scheduler;
  readonly store: SimulatedStore;
  readonly tenant: SimulatedTenant;
  readonly trace: Trace;
  readonly seal: Seal;
  readonly plan: Plan;
}

/** One node: its process and the production session code in it. */
export class SimulatedNode {
  readonly process: SimulatedProcess;
  readonly manager: SessionManager;
  readonly sockets: Set<SimulatedSocket> = new Set();
  readonly #trace: Trace;

  constructor(name: string, skew: number, surroundings: NodeSurroundings) {
    const { scheduler, store, tenant, trace, seal, plan } = surroundings;
    const process = new SimulatedProcess(name, skew, scheduler);
    this.process = process;
    this.#trace = trace;
    this.manager = new SessionManager({
      clock: process.clock,
      tenant: {
        origin: tenantOrigin,
        backend: createCloudJwt({ origin: tenantOrigin, signingKey }),
        useSecureCookies: true,
      },
      durations: plan.durations,
      loginTimeout: plan.loginTimeout,
      // The rate has tests of its own; here it would hide the storms that it prevents.
      loginsPerMinute: 100_000,
      store: store.portFor(process),
      seal,
      storeTimeout: plan.storeTimeout,
      storeGrace: plan.storeGrace,
      callFor: (key) => tenant.callFor(process, key),
      hasSockets: (session) => [...this.sockets].some((socket) => socket.session === session),
      closeSockets: (session, code, reason) => this.#closeSockets(session, code, reason),
      released: () => {},
    });
    trace.note(name, () => `starts, its clock ${skew} ms ahead`);
  }

  /** Takes a socket; its session may end it. */
  open(socket: SimulatedSocket): void {
    this.sockets.add(socket);
    this.manager.touch(socket.session);
    this.manager.socketOpened(socket.session);
  }

  close(socket: SimulatedSocket): void {
    if (this.sockets.delete(socket)) socket.release();
  }

  #closeSockets(session: ProxySession, code: number, reason: string): void {
    for (const socket of this.sockets) {
      if (socket.session !== session) continue;
      this.#trace.note(this.process.name, () => `closes a socket of ${session.subject}: ${code} ${reason}`);
      this.close(socket);
    }
  }
}
