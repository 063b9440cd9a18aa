import type { IncomingMessage } from "node:http";
import { type ErrorCode, SessionProxyError } from "../errors.ts";
import { firstHeader, headerValues, type RawHeaders } from "../http/raw-headers.ts";
import { readSiteHeaders, type SiteHeaders } from "../http/site-headers.ts";
import { judgeSite, type SiteFacts, type SiteVerdict } from "../http/site-guard.ts";
import { readTarget, stripPrefix, type Target } from "../http/target.ts";
import { checkIdentity } from "../identity/checked-identity.ts";
import type { Named } from "../identity/identity.ts";
import type { SignInSource } from "../identity/sign-in-source.ts";
import type { Policy } from "../policy/matcher.ts";
import type { RouteClass } from "../policy/rule.ts";
import type { Verdict } from "../policy/verdict.ts";
import { findOwnRoute, type OwnRoute, ownRoutesOf } from "./own/own-routes.ts";
import type { ResolvedOptions } from "../options/resolved-options.ts";
import { isHttp2, type RequestHead } from "./request-head.ts";

/** Where a request wants to go; "elsewhere" is not ours. */
export type Place = Elsewhere | OwnPlace | TenantPlace;

interface Elsewhere {
  readonly kind: "elsewhere";
  /** What the policy said, where it was asked: at the root what it does not allow is the app's. */
  readonly verdict?: Verdict;
  readonly target?: Target;
}

export interface OwnPlace {
  readonly kind: "own";
  readonly route: OwnRoute;
  /** Below the prefix. */
  readonly target: Target;
}

/** A path at the tenant that the policy offers. */
export interface TenantPlace {
  readonly kind: "tenant";
  /** As it travels. */
  readonly target: Target;
  readonly routeClass: RouteClass;
  readonly verdict: Verdict;
}

/** Below our prefix, and not to be had. */
interface Refused {
  readonly kind: "refused";
  readonly error: SessionProxyError;
  /** What the policy said; undefined where it was not asked. */
  readonly verdict?: Verdict;
  readonly target?: Target;
}

/** What the site guard says, and the row of its table that decided; without one where the table was not asked. */
export interface Passage {
  readonly outcome: "pass" | "preflight" | SessionProxyError;
  readonly row?: number;
}

/** What a socket was let in with, as far as other rules may judge it otherwise; short, because it is kept as long as the socket. */
export interface SocketHandshake {
  readonly path: string;
  readonly site: SiteFacts;
}

/** The one door for requests and upgrades: target, policy, site guard, identity. product C1 */
export interface Admission {
  /** Where the request goes, or why it goes nowhere. */
  look(request: RequestHead, upgrade: boolean): Place | Refused;
  /** As {@link look}. @throws SessionProxyError `QSP-TARGET`, `QSP-POLICY`, `QSP-TOO-LARGE` */
  locate(request: RequestHead, upgrade: boolean): Place;
  /** Whether it may come from where it comes from, and why. */
  weigh(request: RequestHead, place: OwnPlace | TenantPlace, upgrade: boolean): Passage;
  /** As {@link weigh}; "preflight" is answered here. @throws SessionProxyError */
  guard(request: RequestHead, place: OwnPlace | TenantPlace, upgrade: boolean): "pass" | "preflight";
  /**
   * Whether it is a preflight of a listed origin. It passes wherever it leads: after one that fails, a page cannot read why
   * there is nothing.
   */
  isListedPreflight(request: RequestHead): boolean;
  /** What is kept of an upgrade that was let in. */
  handshakeOf(request: RequestHead, place: TenantPlace): SocketHandshake;
  /** Why a socket that was let in would not be let in here, in the code of its refusal; null where it would. */
  objection(handshake: SocketHandshake): ErrorCode | null;
  /**
   * Who the host says this is; with `since`, by a word that was given after then (milliseconds), where the source remembers
   * any. @throws SessionProxyError `QSP-IDENTITY`, `QSP-UNAUTHENTICATED`
   */
  readonly identify: (request: IncomingMessage, since?: number) => Named;
}

/** Creates the door of one proxy; `signInSource` is what its identity source is there, where that signs people in itself. */
export function createAdmission(
  options: ResolvedOptions,
  policy: Policy,
  signInSource?: SignInSource,
): Admission {
  const isRoot = options.prefix === "";
  const offered = ownRoutesOf(options);
  const ask = (request: IncomingMessage): unknown =>
    signInSource === undefined ? options.identify(request) : signInSource.identify(request);
  const sitePolicy = {
    publicOrigin: options.publicOrigin,
    allowedOrigins: options.allowedOrigins,
    allowMissingOrigin: options.allowMissingOrigin,
  };

  const look = (request: RequestHead, upgrade: boolean): Place | Refused => {
    const raw = rawTarget(request);
    if (!isBelow(raw, options.prefix)) return { kind: "elsewhere" };
    const hasTooMany = request.rawHeaders.length > mostHeaders * 2;
    if (!isRoot && hasTooMany) return refused(tooManyHeaders());
    const target = readTarget(raw);
    if ("flaw" in target)
      return isRoot
        ? { kind: "elsewhere" }
        : refused(new SessionProxyError("QSP-TARGET", { reason: target.flaw }));
    const path = stripPrefix(target.path, options.prefix);
    if (path === null) return { kind: "elsewhere" };
    const inside = { path, query: target.query };
    const route = upgrade ? null : findOwnRoute(path, offered);
    if (route) return { kind: "own", route, target: inside };
    const method = preflightMethod(request) ?? request.method ?? "GET";
    const verdict = policy.judge(method, upgrade, path);
    if (verdict.allowed && verdict.routeClass !== null) {
      if (hasTooMany) return refused(tooManyHeaders());
      return { kind: "tenant", target: inside, routeClass: verdict.routeClass, verdict };
    }
    if (isRoot) return { kind: "elsewhere", verdict, target: inside };
    const error = new SessionProxyError("QSP-POLICY", { reason: verdict.reason });
    return { ...refused(error), verdict, target: inside };
  };

  const weigh = (request: RequestHead, place: GuardedPlace, upgrade: boolean): Passage => {
    const headers = readSiteHeaders(request.rawHeaders);
    if (!isFramedPlainly(request, headers.codings))
      return { outcome: new SessionProxyError("QSP-TARGET", { reason: "odd framing" }) };
    if (headers.isServiceWorker || headers.fetchDest === "serviceworker") {
      const reason = "a service worker would act on the whole origin";
      return { outcome: new SessionProxyError("QSP-CROSS-SITE", { reason }) };
    }
    const verdict: SiteVerdict = judgeSite(
      factsOf(request, headers, { place, upgrade, options }),
      sitePolicy,
    );
    const { row } = verdict;
    if (verdict.pass !== false) return { outcome: verdict.pass === true ? "pass" : "preflight", row };
    const { code, status } = verdict;
    return { outcome: new SessionProxyError(code, { status, reason: `site guard, row ${row}` }), row };
  };

  return {
    look,
    locate(request, upgrade) {
      const sight = look(request, upgrade);
      if (sight.kind === "refused") throw sight.error;
      return sight;
    },
    weigh,
    guard(request, place, upgrade) {
      const { outcome } = weigh(request, place, upgrade);
      if (typeof outcome !== "string") throw outcome;
      return outcome;
    },
    isListedPreflight: (request) =>
      preflightMethod(request) !== undefined && weigh(request, nowhere, false).outcome === "preflight",
    handshakeOf(request, place) {
      const facts = factsOf(request, readSiteHeaders(request.rawHeaders), { place, upgrade: true, options });
      // No upgrade is judged by it, and it may be long.
      return { path: place.target.path, site: { ...facts, referer: undefined } };
    },
    objection({ path, site }) {
      if (!policy.judge("GET", true, path).allowed) return "QSP-POLICY";
      const verdict = judgeSite(site, sitePolicy);
      return verdict.pass === false ? verdict.code : null;
    },
    identify(request, since) {
      try {
        const given: unknown =
          since === undefined || options.identify.givenAfter === undefined
            ? ask(request)
            : options.identify.givenAfter(request, since);
        if (!isThenable(given)) return checkIdentity(given);
        return Promise.resolve(given)
          .then(checkIdentity)
          .catch((cause: unknown) => {
            throw hostFailure(cause);
          });
      } catch (cause) {
        throw hostFailure(cause);
      }
    },
  };
}

/** What the site guard asks of a place. */
type GuardedPlace = Pick<OwnPlace, "kind" | "route"> | Pick<TenantPlace, "kind" | "routeClass">;

/** Where nothing is offered. */
const nowhere: GuardedPlace = { kind: "tenant", routeClass: "rest" };

const refused = (error: SessionProxyError): Refused => ({ kind: "refused", error });

/** No browser sends so many; node would drop the rest without a word. attacks H6 */
const mostHeaders = 200;

const tooManyHeaders = (): SessionProxyError =>
  new SessionProxyError("QSP-TOO-LARGE", { status: 431, reason: `more than ${mostHeaders} headers` });

/** Whatever the host's own function fails with. */
export const hostFailure = (cause: unknown): SessionProxyError =>
  cause instanceof SessionProxyError
    ? cause
    : new SessionProxyError("QSP-IDENTITY", { reason: "the identity source failed", cause });

/** What a request that is not ours is told where nobody else takes it. */
export function unclaimed(
  request: RequestHead,
  { prefix }: Pick<ResolvedOptions, "prefix">,
  verdict?: Verdict,
): SessionProxyError {
  const target = readTarget(rawTarget(request));
  return "flaw" in target
    ? new SessionProxyError("QSP-TARGET", { reason: target.flaw })
    : new SessionProxyError("QSP-POLICY", { reason: verdict?.reason ?? `not below ${prefix}` });
}

/** Promises come from query builders and other realms too, so the class says nothing. */
const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";

/** The target as it came; frameworks that mount us below a path keep it apart. */
export function rawTarget(request: RequestHead): string {
  const { originalUrl, url } = request;
  return typeof originalUrl === "string" ? originalUrl : (url ?? "/");
}

/** Whether a raw target is ours to judge, however malformed the rest of it is. */
export function isBelow(raw: string, prefix: string): boolean {
  if (!raw.startsWith(prefix)) return false;
  const next = raw[prefix.length];
  return prefix === "" || next === undefined || next === "/" || next === "?" || next === "#" || next === "\\";
}

/**
 * Whether protocol and framing are such that everyone behind us reads them alike. node takes a request without a
 * version for one of HTTP/0.9, takes any in a request line, lets HTTP/1.0 have chunks, and a coding beside "chunked" would
 * be lost when we frame anew. attacks M2
 */
function isFramedPlainly(request: RequestHead, codings: readonly string[]): boolean {
  const { httpVersionMajor, httpVersionMinor } = request;
  if (httpVersionMajor < 1 || (httpVersionMajor > 1 && !isHttp2(request))) return false;
  if (httpVersionMajor === 1 && httpVersionMinor === 0 && codings.length > 0) return false;
  return codings.every((coding) => coding.trim().toLowerCase() === "chunked");
}

/** The method that a preflight asks for. */
function preflightMethod(request: RequestHead): string | undefined {
  if (request.method !== "OPTIONS") return undefined;
  if (headerValues(request.rawHeaders, "origin").length === 0) return undefined;
  return firstHeader(request.rawHeaders, "access-control-request-method");
}

/** Whether `Authorization` holds a token and nothing else: Basic, Negotiate and the like browsers add by themselves. */
function hasOneToken(raw: RawHeaders): boolean {
  const values = headerValues(raw, "authorization");
  return values.length === 1 && /^Bearer +\S/i.test(values[0] ?? "");
}

function factsOf(
  request: RequestHead,
  headers: SiteHeaders,
  {
    place,
    upgrade,
    options,
  }: {
    readonly place: GuardedPlace;
    readonly upgrade: boolean;
    readonly options: Pick<ResolvedOptions, "identityHeaders">;
  },
): SiteFacts {
  const method = request.method ?? "GET";
  return {
    method,
    upgrade,
    routeClass: place.kind === "own" ? "own" : place.routeClass,
    ownRoute: place.kind === "own" ? place.route.guardedAs(method) : undefined,
    // More than one Host is no host.
    host: headers.hosts.length === 1 ? headers.hosts[0] : undefined,
    origins: headers.origins,
    fetchSites: headers.fetchSites,
    fetchMode: headers.fetchMode,
    fetchDest: headers.fetchDest,
    referer: headers.referer,
    preflightMethod: headers.preflightMethod,
    hasCookie: headers.hasCookie,
    authorizationIdentity: options.identityHeaders.has("authorization") && hasOneToken(request.rawHeaders),
    secure: request.socket.encrypted === true,
  };
}
