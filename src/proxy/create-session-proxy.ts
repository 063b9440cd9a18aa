import type { IncomingMessage, Server } from "node:http";
import { SessionProxyError } from "../errors.ts";
import { systemClock, type Clock } from "../kernel/clock.ts";
import { atMost, within } from "../kernel/deadline.ts";
import type { Identity } from "../identity/identity.ts";
import type { ProxySession } from "../session/proxy-session.ts";
import { SessionManager } from "../session/session-manager.ts";
import { createAdmission } from "./admission.ts";
import { createClientAddress } from "./client-address.ts";
import { InFlight } from "./drain.ts";
import { runBefore } from "./host-middleware.ts";
import { HttpDoor } from "./http-door.ts";
import { LiveSockets } from "./live-sockets.ts";
import { LossMemory } from "./loss-memory.ts";
import { resolveOptions, type SessionProxyOptions } from "../options/session-proxy-options.ts";
import { OwnAnswers } from "./own-answers.ts";
import { OwnWord } from "./own-word.ts";
import { ProductInfo } from "./product-info.ts";
import type { ResolvedOptions } from "../options/resolved-options.ts";
import { createRoutePolicy } from "./route-policy.ts";
import type { Middleware, SessionProxy } from "./session-proxy.ts";
import { openStore } from "./open-store.ts";
import { createSite } from "./site.ts";
import { Tracing } from "./tracing.ts";
import { UpgradeDoor } from "./upgrade-door.ts";
import { createSeal } from "../store/seal.ts";
import { createUpstream, staticLane } from "../upstream/upstream.ts";

/**
 * Creates a session proxy for one tenant. What works but should not stay so, such as several processes over a store that
 * nobody shares, is said as a process warning of the name `SessionProxyWarning`.
 *
 * @throws OptionsError listing everything that is wrong with the options
 */
export function createSessionProxy(options: SessionProxyOptions): SessionProxy {
  const resolved = resolveOptions(options);
  for (const { path, message } of resolved.warnings) {
    process.emitWarning(`${path}: ${message}`, "SessionProxyWarning");
  }
  return assembleSessionProxy(resolved, systemClock);
}

/** Sockets are gone within a second of their close frame; `close` waits a little longer. Milliseconds; rules R13 */
const closeWait = 1500;

/** Wires the floors together; tests bring their own clock. */
export function assembleSessionProxy(options: ResolvedOptions, clock: Clock): SessionProxy {
  const now = (): number => clock.now();
  const live = new LiveSockets(options.timeouts.socketIdle);
  const inFlight = new InFlight();
  let draining: "no" | "announced" | "yes" = "no";
  let drained: Promise<void> | null = null;
  let closed = false;

  const upstream = createUpstream({
    origin: options.tenant.origin,
    ca: options.tenant.ca,
    timeouts: options.timeouts,
    perSession: options.upstream.perSession,
    idle: options.upstream.idle,
    idleTotal: options.upstream.idleTotal,
    total: options.upstream.total,
    client: options.upstream.client,
  });
  const store = openStore(options.store, { clock, timeout: options.timeouts.store });
  const [secret, ...olderSecrets] = options.secrets;
  const sessions = new SessionManager({
    clock,
    store,
    seal: createSeal([secret.reveal(), ...olderSecrets.map((each) => each.reveal())]),
    storeTimeout: options.timeouts.store,
    storeGrace: options.session.storeGrace,
    tenant: {
      origin: options.tenant.origin,
      signingKey: options.tenant.signingKeys[0],
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
  const admission = createAdmission(options, createRoutePolicy(options));
  const site = createSite(options);
  const clientAddress = createClientAddress(options.trustedProxies);
  const tracing = new Tracing(options.tenant.origin, now);

  /** A host that never answers must not keep the browser's connection for ever. */
  const inTime = <T>(host: Promise<T>): Promise<T> =>
    within(
      options.timeouts.login,
      host,
      () => new SessionProxyError("QSP-IDENTITY", { status: 503, reason: "no answer" }),
    );

  /** Asks the host who this is, for so long as it may take. */
  const identify = async (request: IncomingMessage): Promise<Identity | null> =>
    inTime(Promise.resolve(admission.identify(request)));

  /** `at` is when the head of the request was there: the host vouches for that moment. rules R1 */
  const signIn = (request: IncomingMessage, at: number): ProxySession | Promise<ProxySession> => {
    const join = (identity: Identity | null): ProxySession | Promise<ProxySession> => {
      if (!identity) throw new SessionProxyError("QSP-UNAUTHENTICATED");
      return sessions.acquire({ identity, at, again: () => identify(request) });
    };
    const identity = admission.identify(request);
    return identity instanceof Promise ? inTime(identity).then(join) : join(identity);
  };

  const http = new HttpDoor({
    options,
    admission,
    site,
    clientAddress,
    sessions,
    upstream,
    tracing,
    now,
    signIn,
    ownWord: new OwnWord(now),
    limits: options.limits,
    bodyIdle: options.timeouts.bodyIdle,
    enter: () => inFlight.enter(),
    isDraining: () => draining === "yes",
    isClosed: () => closed,
    ownAnswers: new OwnAnswers({
      sessions,
      site,
      now,
      isDraining: () => draining === "yes",
      allowedOrigins: options.allowedOrigins,
      announceBefore: options.session.renewBefore,
      identify,
      socketsOf: (key) => live.countOf(key),
      productInfo: new ProductInfo({
        call: upstream.callFor(staticLane),
        timeout: options.timeouts.login,
        now,
      }),
    }),
  });

  const upgrades = new UpgradeDoor({
    options,
    admission,
    upstream,
    sessions,
    live,
    tracing,
    now,
    signIn,
    losses: new LossMemory(now),
    tenantOrigin: options.tenant.origin,
    identityHeaders: options.identityHeaders,
    clientAddress,
    limits: options.limits,
    isDraining: () => draining === "yes",
    enter: () => inFlight.enter(),
    runHost: (before, request) => inTime(runBefore(before, request)),
  });

  const drainNow = async (): Promise<void> => {
    draining = "announced";
    const quiet = (): Promise<unknown> => Promise.all([inFlight.idle(), live.empty()]);
    await atMost(options.timeouts.drainDelay, quiet());
    draining = "yes";
    live.closeAll(4003, JSON.stringify({ code: "QSP-DRAINING" }), options.timeouts.drain / 2);
    await atMost(options.timeouts.drain, quiet());
  };

  return Object.assign(http.handle.bind(http), {
    attach(server: Server, { before = [] }: { readonly before?: readonly Middleware[] } = {}) {
      const listener = upgrades.listenerFor(server, before);
      server.on("upgrade", listener);
      return () => void server.off("upgrade", listener);
    },
    async logout(request: IncomingMessage) {
      const identity = await identify(request);
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
    drain() {
      drained ??= drainNow();
      return drained;
    },
    async close() {
      closed = true;
      draining = "yes";
      live.closeAll(4003, JSON.stringify({ code: "QSP-CLOSED" }), 0);
      await sessions.close();
      await atMost(closeWait, live.empty());
      await upstream.close();
      await store.close();
      tracing.close();
    },
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
