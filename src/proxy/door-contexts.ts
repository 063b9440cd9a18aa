import type { IncomingMessage } from "node:http";
import type { Identity } from "../identity/identity.ts";
import type { SignInSource } from "../identity/sign-in-source.ts";
import type { ResolvedOptions } from "../options/resolved-options.ts";
import type { SessionManager } from "../session/session-manager.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { createAdmission } from "./admission.ts";
import { createClientAddress } from "./client-address.ts";
import { runBefore } from "./host-middleware.ts";
import type { EdgeDoorContext } from "./edge/edge-door.ts";
import type { HttpDoorContext } from "./http/http-door.ts";
import type { LiveSockets } from "./socket/live-sockets.ts";
import type { LossMemory } from "./socket/loss-memory.ts";
import { OwnAnswers } from "./own/own-answers.ts";
import { ownRoutesOf } from "./own/own-routes.ts";
import type { LogOut } from "./own/own-sign-in.ts";
import type { OwnWord } from "./http/own-word.ts";
import type { ProductInfo } from "./own/product-info.ts";
import { createRoutePolicy } from "./route-policy.ts";
import type { Middleware } from "./session-proxy.ts";
import { createSignIn } from "./sign-in.ts";
import { createSite } from "./site.ts";
import type { SocketDoorContext } from "./socket/socket-door.ts";
import type { Tracing } from "./tracing.ts";
import type { UpgradeDoorContext } from "./socket/upgrade-door.ts";

/** What a proxy has once, however often its options are replaced. */
export interface Standing {
  /** What the identity source is here, where it signs people in itself. */
  readonly signInSource: SignInSource | undefined;
  readonly sessions: SessionManager;
  readonly upstream: Upstream;
  readonly live: LiveSockets;
  readonly losses: LossMemory;
  readonly tracing: Tracing;
  readonly ownWord: OwnWord;
  readonly productInfo: ProductInfo;
  readonly now: () => number;
  readonly isDraining: () => boolean;
  readonly isClosed: () => boolean;
  /** One more exchange; the returned function ends it. */
  readonly enter: () => () => void;
  readonly objection: SocketDoorContext["objection"];
  /** Says by whose rules and for whom a request goes on, where tenants are told apart by who asks. */
  readonly assign: Assign | undefined;
  /** What a log-out is there. */
  readonly logOut: LogOut | undefined;
}

/**
 * Finds the proxy of the tenant that the person of a request belongs to. Where nobody has to be signed in (`isPublic`), it is
 * the first one's if it cannot be known, or is that of nobody. @throws SessionProxyError
 */
export type Assign = (request: IncomingMessage, isPublic: boolean) => Promise<Assigned>;

/** By whose rules a request goes on. */
export interface Assigned {
  readonly doors: DoorContexts;
  /** One more exchange there; the returned function ends it. */
  readonly enter: () => () => void;
}

/** One frozen view of the options for each door; whoever came in by one keeps it to the end. rules R15 */
export interface DoorContexts {
  readonly http: HttpDoorContext;
  readonly upgrades: UpgradeDoorContext;
  readonly edge: EdgeDoorContext;
  /** Asks the host who this is, for so long as it may take. */
  readonly identify: (request: IncomingMessage) => Promise<Identity | null>;
}

/** Makes everything that depends on the options beside what a proxy has once. */
export function createDoorContexts(options: ResolvedOptions, standing: Standing): DoorContexts {
  const { sessions, upstream, live, now, isDraining, enter, signInSource } = standing;
  const admission = createAdmission(options, createRoutePolicy(options), signInSource);
  const site = createSite(options);

  const { identify, signIn, inTime } = createSignIn({
    admission,
    sessions,
    remembers: options.identify.givenAfter !== undefined,
    timeout: options.timeouts.login,
    now,
  });

  const { assign } = standing;
  const shared = {
    assign,
    isAssigning: assign !== undefined,
    options,
    admission,
    upstream,
    sessions,
    tracing: standing.tracing,
    now,
    signIn,
    isDraining,
    enter,
    clientAddress: createClientAddress(options.trustedProxies),
    limits: options.limits,
  };
  const ownAnswers = new OwnAnswers({
    sessions,
    site,
    now,
    isDraining,
    identify,
    logOut: standing.logOut ?? { identify, logout: (identity) => sessions.logout(identity) },
    signInSource,
    allowedOrigins: options.allowedOrigins,
    prefix: options.prefix,
    offered: ownRoutesOf(options),
    announceBefore: options.session.renewBefore,
    socketsOf: (key) => live.countOf(key),
    productInfo: standing.productInfo,
  });
  return {
    identify,
    http: Object.freeze({
      ...shared,
      site,
      signInSource,
      ownAnswers,
      ownWord: standing.ownWord,
      isClosed: standing.isClosed,
      bodyIdle: options.timeouts.bodyIdle,
    }),
    edge: Object.freeze({ ...shared, isClosed: standing.isClosed }),
    upgrades: Object.freeze({
      ...shared,
      live,
      losses: standing.losses,
      objection: standing.objection,
      tenantOrigin: options.tenant.origin,
      identityHeaders: options.identityHeaders,
      runHost: (before: readonly Middleware[], request: IncomingMessage) =>
        inTime(runBefore(before, request)),
    }),
  };
}
