import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Identity } from "../identity/identity.ts";
import type { EdgeVerdict } from "./edge/edge-door.ts";
import type { EdgeQuestion } from "./edge/edge-request.ts";
import type { ResolvedOptions } from "../options/resolved-options.ts";
import type { ResolvedTenants } from "../options/several-tenants.ts";
import type { DoorContexts } from "./door-contexts.ts";
import type { UpgradeListener } from "./socket/upgrade-door.ts";

/** Holds the signature as a method's: only of those does the compiler compare parameters in both directions. */
interface MiddlewareMethod {
  call(request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void;
}

/**
 * A host middleware, as Express and Connect know it. Its request and response may be typed as the framework's own, which
 * extend Node's.
 */
export type Middleware = MiddlewareMethod["call"];

/** The types of HTTP/2 are brought into those of HTTP/1.1 at the door. */
export type Handle = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/** The handler of a session proxy, and the handles on it. */
export interface SessionProxy {
  /**
   * Answers a request below the prefix; hands any other to `next`, or answers 404 where there is none.
   *
   * It never throws and never rejects. Over HTTP/2 `identify` gets node's compatible request, with a `host` among its headers.
   */
  (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
    next?: (error?: unknown) => void,
  ): void;
  /** Path below which the proxy lives; "/" is the root mount. */
  readonly prefix: string;
  /**
   * Takes the WebSocket upgrades of a server that are below the prefix; other handlers keep theirs, and do not hear of ours.
   *
   * `before` are host middlewares (a session, say) that run on each of our upgrades, so that `identify` sees what they
   * set. Returns a function that lets go of the server again. On a server of HTTP/2 they are those of its HTTP/1.1 connections
   * (`allowHTTP1`): browsers open WebSockets there, and RFC 8441 is not offered.
   */
  attach(
    server: Server | Http2SecureServer,
    options?: { readonly before?: readonly Middleware[] },
  ): () => void;
  /**
   * Logs out the user of a request: open sockets and requests end on every node, and the session at the tenant.
   *
   * Rejects with `QSP-STORE` where the store cannot be reached: then it is done on this node, and repeated until the store
   * has it.
   */
  logout(request: IncomingMessage): Promise<void>;
  /**
   * Ends every session of a subject, on every node; with `blockFor` (milliseconds, default 0) no new one begins for so
   * long. Rejects with `QSP-STORE` as `logout` does.
   */
  revoke(options: { readonly subject: string; readonly blockFor?: number }): Promise<void>;
  /** Sessions as an operator sees and ends them. */
  readonly sessions: SessionsAdmin;
  /**
   * Lets running exchanges finish and moves sockets to another node; resolves when nothing is in flight. `delay` is how long
   * everything is still served, for a front door to notice: milliseconds, `timeouts.drainDelay` by default.
   */
  drain(options?: { readonly delay?: number }): Promise<void>;
  /**
   * Ends everything here; resolves when no socket is left. Sessions of the memory store end at the tenant too; those of
   * other stores go on, on other nodes or after a restart.
   */
  close(): Promise<void>;
  /** What is going on now. */
  stats(): SessionProxyStats;
}

/** One of the tenants of a proxy, and its counts. */
export interface CountedTenant {
  readonly name: string;
  /** As events tell of it. */
  readonly origin: string;
  stats(): SessionProxyStats;
}

/** A session proxy whose options can be replaced while it runs. */
export interface ReloadableProxy extends SessionProxy {
  /**
   * Makes everything that the options need, and changes nothing; the returned function puts them into force. Requests and
   * sockets that are under way go on by the options of before, except for sockets that the new ones do not let in: they
   * are closed with 4003. rules R15
   *
   * @throws OptionsError where the options differ in what holds for the whole life of a proxy
   */
  prepareReload(options: ResolvedOptions | ResolvedTenants): () => Reloaded;
  /** What becomes of a request that an edge has, and what it needs to go to the tenant. Never rejects. rules R10 */
  judge(question: EdgeQuestion): Promise<EdgeVerdict>;
  /** Each tenant with its counts; none where there is one tenant. */
  tenants(): readonly CountedTenant[];
  /** Tells this node from the others that share its store. */
  readonly nodeName: string;
  /** Open sockets of this node by session key. */
  socketCounts(): readonly (readonly [key: string, count: number])[];
  /** Another node of that name is dead: logins that it had begun are free at once. rules R15 */
  nodeGone(name: string): void;
}

/** The proxy of one tenant, as one of several. */
export interface TenantProxy extends ReloadableProxy {
  /** The rules of now. */
  doors(): DoorContexts;
  /** One more exchange that came in by another door; the returned function ends it. */
  enter(): () => void;
  /** A listener for the upgrades of this tenant, which `registered` calls. */
  upgradeListener(server: Server, before: readonly Middleware[], registered: () => object): UpgradeListener;
  /** Whether an upgrade is ours, also to be refused. */
  takesUpgrade(request: IncomingMessage): boolean;
  /** Logs out whoever an identity is of. */
  logoutOf(identity: Identity): Promise<void>;
  /** The tenant is served no more: its sockets go now, and its sessions when what is under way has come to its end. */
  retire(): Promise<void>;
}

/** What new options have done. */
export interface Reloaded {
  /** Open WebSockets that they do not let in. */
  readonly socketsClosed: number;
}

/** What an operator can do with sessions; every call rejects with `QSP-STORE` where the store cannot be reached. */
export interface SessionsAdmin {
  /** Every session in the store, or those of a subject. */
  list(subject?: string): Promise<readonly ListedSession[]>;
  /** Ends the session of a key; whether there was one. */
  revokeKey(key: string): Promise<boolean>;
  /** A subject as log lines show it: 16 hex digits; null until the store was reached for the first time. */
  hashOf(subject: string): string | null;
}

/** A session as an operator sees it; times in milliseconds since the Unix epoch. */
export interface ListedSession {
  /** 64 hex digits, a keyed hash. */
  readonly key: string;
  readonly subject: string;
  readonly createdAt: number;
  /** Last use that the nodes have told each other of. */
  readonly lastUsedAt: number;
  /** When the host's word ends; null where it named no end. */
  readonly expiresAt: number | null;
  /** Logins at the tenant so far. */
  readonly generation: number;
  /** Open sockets of this node. */
  readonly sockets: number;
  /** Name of the tenant, where there are several. */
  readonly tenant?: string;
}

/** Counts of this moment. */
export interface SessionProxyStats {
  /** Sessions that this node has at hand. */
  readonly sessions: number;
  readonly sockets: number;
  /** Bytes that have gone over all sockets so far: down to browsers, up to the tenant. */
  readonly socketBytes: { readonly down: number; readonly up: number };
  /** Requests and handshakes under way. */
  readonly inFlight: number;
  readonly draining: boolean;
  /** Whether the tenant refuses or throttles every login at the moment. */
  readonly loginsHeldBack: boolean;
  /** Whether the store of sessions answers. */
  readonly storeReachable: boolean;
  /** Connections to the tenant, WebSockets aside, and the requests that went over them. */
  readonly upstream: {
    /** Open now. */
    readonly connections: number;
    /** Opened so far. */
    readonly opened: number;
    /** Sent so far, the proxy's own calls among them; the share that found a connection open is 1 - opened / requests. */
    readonly requests: number;
  };
}
