import type { IncomingMessage } from "node:http";
import { SessionProxyError } from "../errors.ts";
import { firstHeader, headerValues } from "../http/raw-headers.ts";
import { judgeSite, type SiteFacts, type SiteVerdict } from "../http/site-guard.ts";
import { parseTarget, stripPrefix, type Target } from "../http/target.ts";
import { checkIdentity } from "../identity/checked-identity.ts";
import type { Identity } from "../identity/identity.ts";
import type { Policy } from "../policy/matcher.ts";
import type { RouteClass } from "../policy/rule.ts";
import { findOwnRoute, type OwnRoute } from "./own-routes.ts";
import type { ResolvedOptions } from "../options/resolved-options.ts";

/** Where a request wants to go. */
export type Place =
  | { readonly kind: "elsewhere" }
  | { readonly kind: "own"; readonly route: OwnRoute; readonly target: Target }
  | { readonly kind: "tenant"; readonly target: Target; readonly routeClass: RouteClass };

/** The one door for requests and upgrades: target, policy, site guard, identity. product C1 */
export interface Admission {
  /** Where the request goes; "elsewhere" is not ours. @throws SessionProxyError `QSP-TARGET`, `QSP-POLICY` */
  locate(request: IncomingMessage, upgrade: boolean): Place;
  /** Whether it may come from where it comes from; "preflight" is answered here. @throws SessionProxyError */
  guard(
    request: IncomingMessage,
    place: Exclude<Place, { kind: "elsewhere" }>,
    upgrade: boolean,
  ): "pass" | "preflight";
  /** Who the host says this is. @throws SessionProxyError `QSP-IDENTITY` */
  readonly identify: (request: IncomingMessage) => Identity | null | Promise<Identity | null>;
}

/** Creates the door of one proxy. */
export function createAdmission(options: ResolvedOptions, policy: Policy): Admission {
  const isRoot = options.prefix === "";
  const takesLogin = !isRoot || options.root.takeLogin;
  const sitePolicy = {
    publicOrigin: options.publicOrigin,
    allowedOrigins: options.allowedOrigins,
    allowMissingOrigin: options.allowMissingOrigin,
  };

  const locate = (request: IncomingMessage, upgrade: boolean): Place => {
    const raw = rawTarget(request);
    if (!isBelow(raw, options.prefix)) return { kind: "elsewhere" };
    if (!isRoot && request.rawHeaders.length > mostHeaders * 2) throw tooManyHeaders();
    const target = parseTarget(raw);
    if (target === null) {
      if (isRoot) return { kind: "elsewhere" };
      throw new SessionProxyError("QSP-TARGET");
    }
    const path = stripPrefix(target.path, options.prefix);
    if (path === null) return { kind: "elsewhere" };
    const inside = { path, query: target.query };
    const route = upgrade ? null : findOwnRoute(path, takesLogin);
    if (route) return { kind: "own", route, target: inside };
    const method = preflightMethod(request) ?? request.method ?? "GET";
    const verdict = policy.judge(method, upgrade, path);
    if (verdict.allowed && verdict.routeClass !== null) {
      if (request.rawHeaders.length > mostHeaders * 2) throw tooManyHeaders();
      return { kind: "tenant", target: inside, routeClass: verdict.routeClass };
    }
    if (isRoot) return { kind: "elsewhere" };
    throw new SessionProxyError("QSP-POLICY", { reason: verdict.reason });
  };

  return {
    locate,
    guard(request, place, upgrade) {
      if (!isFramedPlainly(request)) throw new SessionProxyError("QSP-TARGET", { reason: "odd framing" });
      if (headerValues(request.rawHeaders, "service-worker").length > 0 || isServiceWorker(request)) {
        throw new SessionProxyError("QSP-CROSS-SITE", {
          reason: "a service worker would act on the whole origin",
        });
      }
      const verdict: SiteVerdict = judgeSite(factsOf(request, place, upgrade), sitePolicy);
      if (verdict.pass === false) {
        throw new SessionProxyError(verdict.code, {
          status: verdict.status,
          reason: `site guard, row ${verdict.row}`,
        });
      }
      return verdict.pass === "preflight" ? "preflight" : "pass";
    },
    identify(request) {
      try {
        const given: unknown = options.identify(request);
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

/** No browser sends so many; node would drop the rest without a word. attacks H6 */
const mostHeaders = 200;

const tooManyHeaders = (): SessionProxyError =>
  new SessionProxyError("QSP-TOO-LARGE", { status: 431, reason: `more than ${mostHeaders} headers` });

const hostFailure = (cause: unknown): SessionProxyError =>
  cause instanceof SessionProxyError
    ? cause
    : new SessionProxyError("QSP-IDENTITY", { reason: "the identity source failed", cause });

/** What a request that is not ours is told where nobody else takes it. */
export function unclaimed(request: IncomingMessage): SessionProxyError {
  return parseTarget(rawTarget(request)) === null
    ? new SessionProxyError("QSP-TARGET")
    : new SessionProxyError("QSP-POLICY", { reason: "not below the prefix" });
}

/** Promises come from query builders and other realms too, so the class says nothing. */
const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";

/** The target as it came; frameworks that mount us below a path keep it apart. */
function rawTarget(request: IncomingMessage): string {
  const { originalUrl } = request as IncomingMessage & { readonly originalUrl?: unknown };
  return typeof originalUrl === "string" ? originalUrl : (request.url ?? "/");
}

/** Whether a raw target is ours to judge, however malformed the rest of it is. */
function isBelow(raw: string, prefix: string): boolean {
  if (!raw.startsWith(prefix)) return false;
  const next = raw[prefix.length];
  return prefix === "" || next === undefined || next === "/" || next === "?" || next === "#" || next === "\\";
}

/**
 * Whether protocol and framing are such that everyone behind us reads them alike. node takes a request without a
 * version for one of HTTP/0.9, lets HTTP/1.0 have chunks, and a coding beside "chunked" would be lost when we frame
 * anew. attacks M2
 */
function isFramedPlainly({ httpVersionMajor, httpVersionMinor, rawHeaders }: IncomingMessage): boolean {
  const codings = headerValues(rawHeaders, "transfer-encoding");
  if (httpVersionMajor < 1) return false;
  if (httpVersionMajor === 1 && httpVersionMinor === 0 && codings.length > 0) return false;
  return codings.every((coding) => coding.trim().toLowerCase() === "chunked");
}

const isServiceWorker = (request: IncomingMessage): boolean =>
  firstHeader(request.rawHeaders, "sec-fetch-dest") === "serviceworker";

/** The method that a preflight asks for. */
function preflightMethod(request: IncomingMessage): string | undefined {
  if (request.method !== "OPTIONS") return undefined;
  if (headerValues(request.rawHeaders, "origin").length === 0) return undefined;
  return firstHeader(request.rawHeaders, "access-control-request-method");
}

function factsOf(
  request: IncomingMessage,
  place: Exclude<Place, { kind: "elsewhere" }>,
  upgrade: boolean,
): SiteFacts {
  const raw = request.rawHeaders;
  const method = request.method ?? "GET";
  return {
    method,
    upgrade,
    routeClass: place.kind === "own" ? "own" : place.routeClass,
    ...(place.kind === "own" ? { ownRoute: place.route.guardedAs(method) } : {}),
    host: hostOf(raw),
    origins: headerValues(raw, "origin"),
    fetchSites: headerValues(raw, "sec-fetch-site"),
    ...given("fetchMode", firstHeader(raw, "sec-fetch-mode")),
    ...given("fetchDest", firstHeader(raw, "sec-fetch-dest")),
    ...given("referer", firstHeader(raw, "referer")),
    ...given("preflightMethod", firstHeader(raw, "access-control-request-method")),
    hasCookie: headerValues(raw, "cookie").length > 0,
    authorizationIdentity: false,
    secure: "encrypted" in request.socket,
  };
}

/** More than one Host is no host. */
function hostOf(raw: readonly string[]): string | undefined {
  const hosts = headerValues(raw, "host");
  return hosts.length === 1 ? hosts[0] : undefined;
}

const given = <K extends string>(key: K, value: string | undefined): { [P in K]?: string } =>
  value === undefined ? {} : ({ [key]: value } as { [P in K]?: string });
