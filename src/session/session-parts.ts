import { publish } from "../kernel/channels.ts";
import type { Notice } from "../registry/bus.ts";
import { Registry } from "../registry/registry.ts";
import { Agreement } from "./agreement.ts";
import { Endings } from "./endings.ts";
import { keepGateFor, type GateRecord } from "./gate-record.ts";
import { Generations } from "./generations.ts";
import { createLoginQueue, type LoginQueue } from "./login-queue.ts";
import { Logins } from "./logins.ts";
import { Openings } from "./openings.ts";
import type { ProxySession } from "./proxy-session.ts";
import { createUpkeep, type Upkeep } from "./upkeep.ts";
import { SessionCache } from "./session-cache.ts";
import { SessionClocks } from "./session-clocks.ts";
import type { JarPlace } from "./session-content.ts";
import type { Deadline } from "./session-deadlines.ts";
import type { SessionManagerOptions } from "./session-manager-options.ts";
import { Sharing } from "./sharing.ts";
import { createTenantAccess, type TenantAccess } from "./tenant-access.ts";
import { ToldEnds } from "./told-ends.ts";
import { Waiters } from "./waiters.ts";

/** The parts of which a session manager is made. */
export interface SessionParts {
  readonly registry: Registry;
  readonly cache: SessionCache;
  readonly waiters: Waiters;
  readonly tenant: TenantAccess;
  readonly queue: LoginQueue;
  readonly generations: Generations;
  readonly agreement: Agreement;
  readonly sharing: Sharing;
  readonly clocks: SessionClocks;
  readonly endings: Endings;
  readonly openings: Openings;
  readonly upkeep: Upkeep;
}

/** What the parts ask of the manager. */
export interface SessionPartsHooks {
  readonly hear: (notice: Notice) => void;
  /** A deadline of a session has come. */
  readonly meet: (session: ProxySession, what: Deadline["what"]) => void;
  /** Sockets have to pass admission again. */
  readonly moveSockets: (session: ProxySession, reason: string) => void;
  readonly isClosed: () => boolean;
}

/** The longest an end is remembered past the life of a session: lease and slack. Milliseconds; rules R1 */
const tombstoneSlack = 5 * 60_000;

/** Makes the parts and joins them; nothing is told of before all are there. */
export function createSessionParts(options: SessionManagerOptions, hooks: SessionPartsHooks): SessionParts {
  const { clock, durations, loginTimeout, loginsPerMinute, storeGrace, hasSockets } = options;
  const { origin, backend, useSecureCookies } = options.tenant;
  const place: JarPlace = {
    host: new URL(origin).hostname,
    secure: useSecureCookies,
    base: backend.base,
    backend,
  };
  const cache = new SessionCache();
  const waiters = new Waiters(clock);
  const registry = new Registry({
    store: options.store,
    seal: options.seal,
    clock,
    tenantName: backend.storeName,
    countsSessions: backend.countsSessions,
    storeTimeout: options.storeTimeout,
    keepFor: durations.maxLifetime + loginTimeout + tombstoneSlack,
    limits: durations,
    useOf: (key) => cache.get(key),
    listener: {
      ended: (sessions) => endings.takenOut(sessions),
      heard: hooks.hear,
      doubted: (soundSince, soundUntil) => agreement.doubt(soundSince, soundUntil),
      trusted() {
        waiters.wakeAll();
        agreement.sweepAll().catch(() => {});
      },
      storeChanged(isReachable) {
        tellStore(isReachable ? "store.recovered" : "store.lost", origin);
        agreement.storeChanged(isReachable);
      },
      rekeyed() {
        for (const session of cache.all()) void endings.end(session, "lost");
      },
      unreadable: () => tellStore("store.documentDropped", origin),
    },
  });
  const tenant = createTenantAccess({
    clock,
    origin,
    place,
    timeout: loginTimeout,
    callFor: options.callFor,
  });
  const queue = createLoginQueue({
    clock,
    tenantOrigin: origin,
    perMinute: loginsPerMinute,
    longestWait: loginTimeout,
    signingKey: backend.signer,
    gate: (step) => registry.gate<GateRecord, ReturnType<typeof step>["outcome"]>(step, keepGateFor),
  });
  const logins = new Logins({ clock, registry, tenant, queue, waiters });
  const clocks = new SessionClocks({ clock, durations, hasSockets, meet: hooks.meet });
  const generations: Generations = new Generations({
    clock,
    tenant,
    logins,
    isShared: registry.isShared,
    outlives: registry.outlives,
    loginTimeout,
    check: (session) => agreement.check(session),
    renewed: (session) => clocks.schedule(session),
    refused: (session) => endings.endRefused(session),
  });
  const agreement: Agreement = new Agreement({
    clock,
    registry,
    cache,
    generations,
    place,
    storeGrace,
    hasSockets,
    ended: (session, reason, tenantIsTold) => void endings.end(session, reason, tenantIsTold),
    moved: (session) => clocks.schedule(session),
    unsure: (session) => hooks.moveSockets(session, "QSP-STORE"),
    lostGroup: (session) => hooks.moveSockets(session, "QSP-CLAIMS"),
  });
  const endings: Endings = new Endings({
    clock,
    tenantOrigin: origin,
    durations,
    registry,
    cache,
    clocks,
    generations,
    agreement,
    toldEnds: new ToldEnds(tenant, place),
    closeSockets: options.closeSockets,
    released: options.released,
  });
  const sharing = new Sharing({ clock, registry, place, idleTimeout: durations.idleTimeout });
  const { isClosed } = hooks;
  const openings = new Openings({
    clock,
    registry,
    logins,
    tenant,
    tenantOrigin: origin,
    place,
    loginTimeout,
    isClosed,
  });
  registry.start();
  return {
    registry,
    cache,
    waiters,
    tenant,
    queue,
    generations,
    agreement,
    sharing,
    clocks,
    endings,
    openings,
    upkeep: createUpkeep({ tenant, queue, logins, registry }),
  };
}

function tellStore(event: "store.lost" | "store.recovered" | "store.documentDropped", tenant: string): void {
  publish("session", () => ({ event, level: event === "store.recovered" ? "info" : "error", tenant }));
}
