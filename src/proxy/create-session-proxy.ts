import type { IncomingMessage, Server } from "node:http";
import type { Http2SecureServer } from "node:http2";
import { OptionsError } from "../errors.ts";
import { systemClock, type Clock } from "../kernel/clock.ts";
import { atMost } from "../kernel/deadline.ts";
import type { Identity } from "../identity/identity.ts";
import type { SignInHouse, SignInSource } from "../identity/sign-in-source.ts";
import { SessionManager } from "../session/session-manager.ts";
import { type Assign, createDoorContexts, type Standing } from "./door-contexts.ts";
import { InFlight } from "./drain.ts";
import { EdgeDoor } from "./edge/edge-door.ts";
import { HttpDoor } from "./http/http-door.ts";
import { LiveSockets } from "./socket/live-sockets.ts";
import { LossMemory } from "./socket/loss-memory.ts";
import type { SessionProxyOptions } from "../options/session-proxy-options.ts";
import { resolveAll, type ResolvedTenants, type SeveralTenantsOptions } from "../options/several-tenants.ts";
import { needsRestart, reloadProblems, withSecretsOf, withSourceOf } from "../options/fixed-options.ts";
import { OwnWord } from "./http/own-word.ts";
import type { LogOut } from "./own/own-sign-in.ts";
import { ProductInfo } from "./own/product-info.ts";
import type { ResolvedOptions } from "../options/resolved-options.ts";
import type {
  Handle,
  Middleware,
  ReloadableProxy,
  Reloaded,
  SessionProxy,
  TenantProxy,
} from "./session-proxy.ts";
import { openStore } from "./open-store.ts";
import { assembleTenants } from "./tenants/assemble-tenants.ts";
import { Tracing } from "./tracing.ts";
import { UpgradeDoor } from "./socket/upgrade-door.ts";
import { createRotatingSeal, type Seal } from "../store/seal.ts";
import type { SessionStore } from "../store/session-store.ts";
import { createUpstream, staticLane } from "../upstream/upstream.ts";

/**
 * Creates a session proxy for one tenant, or for several that know nothing of each other. What works but should not stay
 * so, such as several processes over a store that nobody shares, is said as a process warning of the name
 * `SessionProxyWarning`.
 *
 * @throws OptionsError listing everything that is wrong with the options
 */
export function createSessionProxy(options: SessionProxyOptions | SeveralTenantsOptions): SessionProxy {
  const resolved = resolveAll(options);
  for (const { path, message } of resolved.warnings) {
    process.emitWarning(`${path}: ${message}`, "SessionProxyWarning");
  }
  return assembleProxy(resolved, options.clock ?? systemClock);
}

/** Wires a proxy for one tenant or for several. */
export const assembleProxy = (options: ResolvedOptions | ResolvedTenants, clock: Clock): ReloadableProxy =>
  "tenants" in options
    ? assembleTenants(options, clock, assembleSessionProxy)
    : assembleSessionProxy(options, clock);

/** Sockets are gone within a second of their close frame; `close` waits a little longer. Milliseconds; rules R13 */
const closeWait = 1500;

const textsOf = ([first, ...others]: ResolvedOptions["secrets"]): readonly [string, ...string[]] => [
  first.reveal(),
  ...others.map((each) => each.reveal()),
];

/** What an order of whoever signed a person in ends. */
export type SessionEnds = Pick<SignInHouse, "logout" | "revoke">;

/** What the proxy of one of several tenants is given. */
export interface GivenParts {
  /** A store that others use too; one of its own by default. */
  readonly store?: SessionStore;
  /** Where tenants are told apart by who asks. */
  readonly assign?: Assign;
  /** What a log-out is there. */
  readonly logOut?: LogOut;
  /** How an identity source that signs people in ends their sessions, where the sign-in is not this tenant's alone. */
  readonly ends?: SessionEnds;
}

/** Wires the floors together for one tenant; tests bring their own clock. */
export function assembleSessionProxy(
  options: ResolvedOptions,
  clock: Clock,
  given: GivenParts = {},
): TenantProxy {
  const now = (): number => clock.now();
  const live = new LiveSockets(options.timeouts.socketIdle);
  const inFlight = new InFlight();
  let draining: "no" | "announced" | "yes" = "no";
  let drained: Promise<void> | null = null;
  let closed = false;

  const upstream = createUpstream({
    origin: options.tenant.origin,
    base: options.tenant.backend.base,
    ca: options.tenant.ca,
    timeouts: options.timeouts,
    perSession: options.upstream.perSession,
    idle: options.upstream.idle,
    idleTotal: options.upstream.idleTotal,
    total: options.upstream.total,
    client: options.upstream.client,
  });
  const store = given.store ?? openStore(options.store, { clock, timeout: options.timeouts.store });
  const seal = createRotatingSeal(textsOf(options.secrets));
  const sessions = new SessionManager({
    clock,
    store,
    seal,
    storeTimeout: options.timeouts.store,
    storeGrace: options.session.storeGrace,
    tenant: {
      origin: options.tenant.origin,
      backend: options.tenant.backend,
      useSecureCookies: options.tenant.origin.startsWith("https:") || options.unsafe.plainHttpTenant,
    },
    durations: {
      ...options.session,
      tenantIdle: options.tenant.sessionIdle,
      tenantLifetime: options.tenant.sessionLifetime,
    },
    loginTimeout: options.timeouts.login,
    loginsPerMinute: options.limits.loginsPerMinute,
    callFor: upstream.callFor,
    hasSockets: ({ key }) => live.countOf(key) > 0,
    closeSockets: ({ key }, code, reason) => live.closeOf(key, code, JSON.stringify({ code: reason })),
    released: upstream.release,
  });
  const standing: Standing = {
    sessions,
    upstream,
    signInSource: openSignInSource(options, { clock, seal, sessions, ...given }),
    tracing: new Tracing(options.tenant.origin, now),
    live,
    now,
    losses: new LossMemory(now),
    ownWord: new OwnWord(now),
    productInfo: new ProductInfo({
      call: upstream.callFor(staticLane),
      timeout: options.timeouts.login,
      now,
      isHidden: options.tenant.backend.hidesProduct,
    }),
    isDraining: () => draining === "yes",
    isClosed: () => closed,
    enter: () => inFlight.enter(),
    objection: (handshake) => doors.upgrades.admission.objection(handshake),
    assign: given.assign,
    logOut: given.logOut,
  };
  let current = options;
  let doors = createDoorContexts(options, standing);
  const http = new HttpDoor(doors.http);
  const upgrades = new UpgradeDoor(doors.upgrades);
  const edge = new EdgeDoor(doors.edge);

  const prepareReload = (wanted: ResolvedOptions | ResolvedTenants): (() => Reloaded) => {
    if ("tenants" in wanted) throw new OptionsError([{ path: "tenants", message: needsRestart }]);
    const next = withSourceOf(current, withSecretsOf(current, wanted));
    const problems = reloadProblems(current, next);
    if (problems.length > 0) throw new OptionsError(problems);
    const nextDoors = createDoorContexts(next, standing);
    return () => {
      const { identify } = current;
      const isSecretNew = next.secrets[0].reveal() !== current.secrets[0].reveal();
      current = next;
      doors = nextDoors;
      http.use(doors.http);
      upgrades.use(doors.upgrades);
      edge.use(doors.edge);
      if (identify !== next.identify) identify.close?.();
      seal.rotate(textsOf(next.secrets));
      if (isSecretNew) sessions.upkeep.sealAnew();
      sessions.upkeep.signInBy(next.tenant.backend);
      return { socketsClosed: live.closeWhere(4003, standing.objection) };
    };
  };

  const drainNow = async (delay: number): Promise<void> => {
    draining = "announced";
    const quiet = (): Promise<unknown> => Promise.all([inFlight.idle(), live.empty()]);
    await atMost(delay, quiet());
    draining = "yes";
    live.closeAll(4003, JSON.stringify({ code: "QSP-DRAINING" }), options.timeouts.drain / 2);
    await atMost(options.timeouts.drain, quiet());
  };

  const close = async (): Promise<void> => {
    closed = true;
    draining = "yes";
    standing.signInSource?.close();
    live.closeAll(4003, JSON.stringify({ code: "QSP-CLOSED" }), 0);
    await sessions.close();
    await atMost(closeWait, live.empty());
    await upstream.close();
    current.identify.close?.();
    await store.close();
    standing.tracing.close();
  };

  return Object.assign(http.handle.bind(http) as Handle, {
    prefix: options.prefix === "" ? "/" : options.prefix,
    doors: () => doors,
    enter: () => inFlight.enter(),
    upgradeListener: upgrades.listenerFor.bind(upgrades),
    takesUpgrade: (request: IncomingMessage) => upgrades.takes(request),
    tenants: () => [],
    attach(
      given: Server | Http2SecureServer,
      { before = [] }: { readonly before?: readonly Middleware[] } = {},
    ) {
      // Of both kinds of server nothing is used but the event, which is the same.
      const server = given as Server;
      const listener = upgrades.listenerFor(server, before);
      server.on("upgrade", listener);
      return () => void server.off("upgrade", listener);
    },
    prepareReload,
    judge: edge.judge.bind(edge),
    nodeName: sessions.upkeep.nodeName,
    socketCounts: () => live.counts,
    nodeGone: (name: string) => sessions.upkeep.nodeGone(name),
    async logout(request: IncomingMessage) {
      const identity = await doors.identify(request);
      if (identity) await sessions.logout(identity);
    },
    sessions: {
      list: async (subject?: string) =>
        (await sessions.list(subject)).map((each) => ({ ...each, sockets: live.countOf(each.key) })),
      hashOf: (subject: string) => sessions.hashOf(subject),
      revokeKey: (key: string) => sessions.revokeKey(key),
    },
    revoke: ({ subject, blockFor = 0 }: { readonly subject: string; readonly blockFor?: number }) =>
      sessions.revoke(subject, blockFor),
    drain({ delay = options.timeouts.drainDelay }: { readonly delay?: number } = {}) {
      drained ??= drainNow(delay);
      return drained;
    },
    logoutOf: (identity: Identity) => sessions.logout(identity),
    async retire() {
      // Handshakes that are with the tenant now would join what is about to end.
      draining = "yes";
      live.closeAll(4003, JSON.stringify({ code: "QSP-CLOSED" }), 0);
      await atMost(options.timeouts.drain, Promise.all([inFlight.idle(), live.empty()]));
      closed = true;
      await sessions.endAll();
      await close();
    },
    close,
    stats: () => ({
      sessions: sessions.size,
      sockets: live.count,
      socketBytes: live.bytes(),
      inFlight: inFlight.count,
      draining: draining !== "no",
      loginsHeldBack: sessions.loginsHeldBack,
      storeReachable: sessions.storeReachable,
      upstream: upstream.stats(),
    }),
  });
}

interface SignInParts {
  readonly clock: Clock;
  readonly seal: Seal;
  readonly sessions: SessionManager;
  readonly ends?: SessionEnds;
}

/** What an identity source is in this proxy, where it signs people in itself; it has to know how the browser sees us. */
function openSignInSource(
  options: ResolvedOptions,
  { clock, seal, sessions, ends }: SignInParts,
): SignInSource | undefined {
  const { publicOrigin, prefix, identify, session, tenant, timeouts } = options;
  if (publicOrigin === undefined) return undefined;
  return identify.openIn?.({
    clock,
    seal,
    documents: sessions.registry.documents,
    publicOrigin,
    prefix,
    tenantOrigin: tenant.origin,
    lifetime: session.maxLifetime,
    storeGrace: session.storeGrace,
    timeout: timeouts.login,
    admits: (identity) => sessions.registry.admits(identity),
    logout: (identity) => sessions.logout(identity),
    revoke: (subject) => sessions.revoke(subject, 0),
    ...ends,
    hashOf: (subject) => sessions.hashOf(subject),
  });
}
