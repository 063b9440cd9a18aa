import { SessionProxyError } from "../../errors.ts";
import { stripEntityTags } from "../../http/entity-tag.ts";
import { knownNames } from "../../http/header-name.ts";
import { connectionNames, isHopByHop } from "../../http/hop-by-hop.ts";
import { firstHeader, headerValues, type RawHeaders } from "../../http/raw-headers.ts";
import { appendParameters, removeQueryParameters, type Target } from "../../http/target.ts";
import { createMemo } from "../../kernel/memo.ts";
import { needsIdentity, type RouteClass } from "../../policy/rule.ts";
import type { Backend } from "../../tenant/backend.ts";
import { csrfHeader } from "../../tenant/csrf.ts";
import { ownHeaderPrefix } from "./guard-header.ts";

/** A request without credentials, made once and sent as often as needed. */
export interface PreparedRequest {
  readonly method: string;
  /** Path at the tenant, without the query: what rules, cookies and link members go by. */
  readonly path: string;
  /** Path and query as they are sent. */
  readonly target: string;
  /** Names and values in turn, without host, framing, cookie and CSRF token. */
  readonly headers: readonly string[];
  /** Bytes; undefined for a body in chunks. */
  readonly contentLength: number | undefined;
  readonly hasBody: boolean;
  /** Whether the condition names a state that only another proxy or session can have given. rules R6 */
  readonly conditionFails: boolean;
  /** Whether the request carried an entity tag of ours. */
  readonly hasOwnTag: boolean;
}

/** What the rewrite of a request depends on beside the request. */
export interface RequestRules {
  /** Which parameters of the query are ours, and what we say in every request. */
  readonly backend: Pick<Backend, "headers" | "ownedParameters" | "parameters">;
  /** Names of the host's identity headers, lower case: never sent to the tenant. */
  readonly identityHeaders: ReadonlySet<string>;
  /** The suffix of our entity tags; null where the route has none. */
  readonly tagSuffix: string | null;
  /** What the tenant is told of where the request comes from; null for nothing. */
  readonly clientAddress: string | null;
}

/** Replaced by ours, or meaningless to the tenant, or of effect on it. attacks H1, H4; facts §4 */
const dropped: ReadonlySet<string> = new Set([
  "host",
  "cookie",
  "cookie2",
  "authorization",
  "origin",
  "referer",
  "content-length",
  "expect",
  "forwarded",
  "via",
  "x-real-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "true-client-ip",
  "x-original-url",
  "x-original-uri",
  "x-original-host",
  "x-rewrite-url",
  "x-override-url",
  "x-host",
  "x-http-host-override",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "service-worker",
  "service-worker-navigation-preload",
  "access-control-request-method",
  "access-control-request-headers",
  "access-control-request-private-network",
  // By these a Qlik Sense server knows a request, or its user. facts §10.1
  "x-qlik-xrfkey",
  "x-qlik-user",
  "x-qlik-session",
  "max-forwards",
]);

const droppedPrefixes = [
  "x-forwarded-",
  "sec-fetch-",
  "sec-websocket-",
  "cf-",
  "x-envoy-",
  "x-amz",
  ownHeaderPrefix,
] as const;

/** The only header of the vendor's own family that may come from the browser: it asks for a format. */
const vendorVersion = "qlik-api-version";

/** Codings that a body can be rewritten in. rules R6 */
const rewritableCodings: ReadonlySet<string> = new Set(["gzip", "br"]);

/** Values of `Accept-Encoding` that are remembered; browsers send one or two. */
const knownCodings = 100;

/** Tells whether a client's header may go to the tenant as it is. */
export const mayGoUpstream = (lowerName: string, rules: Pick<RequestRules, "identityHeaders">): boolean =>
  mayGoAtAll(lowerName) && !rules.identityHeaders.has(lowerName);

/** The name in lower case; null where it does not travel, whoever the user is. Earned by: bench 200B. */
const travellingName = createMemo(knownNames, (name) => {
  const lower = name.toLowerCase();
  return !isHopByHop(lower) && mayGoAtAll(lower) ? lower : null;
});

function mayGoAtAll(lowerName: string): boolean {
  if (dropped.has(lowerName)) return false;
  if (droppedPrefixes.some((prefix) => lowerName.startsWith(prefix))) return false;
  if (lowerName.startsWith("qlik-")) return lowerName === vendorVersion;
  return isPlainName(lowerName);
}

/** Letters, digits and hyphens: anything else can be an alias of another name behind us. attacks H2 */
function isPlainName(lowerName: string): boolean {
  for (let index = 0; index < lowerName.length; index += 1) {
    const code = lowerName.charCodeAt(index);
    const plain = (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code === 45;
    if (!plain) return false;
  }
  return lowerName !== "";
}

/** Strips what the client may not decide; credentials are added to each attempt by {@link withCredentials}. */
export function prepareRequest(
  request: { readonly method: string; readonly headers: RawHeaders; readonly target: Target },
  rules: RequestRules,
): PreparedRequest {
  const { method, headers: raw, target } = request;
  const listed = connectionNames(raw);
  const isApi = target.path.startsWith("/api/");
  const headers: string[] = [];
  const tags = new TagRules(rules.tagSuffix, raw);
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    const lower = travellingName(name);
    if (lower === null || listed.has(lower) || rules.identityHeaders.has(lower)) continue;
    const kept = tags.rewrite(lower, isApi && lower === "accept-encoding" ? rewritable(value) : value);
    if (kept !== null) headers.push(name, kept);
  }
  if (rules.clientAddress !== null) headers.push(...forwardingHeaders(rules.clientAddress));
  headers.push(...rules.backend.headers);
  const length = firstHeader(raw, "content-length");
  const chunked = headerValues(raw, "transfer-encoding").length > 0;
  return Object.freeze({
    method,
    path: target.path,
    target: target.path + ownQuery(target.query, rules.backend),
    headers: Object.freeze(headers),
    contentLength: chunked || length === undefined ? undefined : Number(length),
    hasBody: chunked || (length !== undefined && Number(length) > 0),
    conditionFails: tags.conditionFails,
    hasOwnTag: tags.hasOwn,
  });
}

/** The client's query without what is ours to say, and what we say. attacks W17 */
export const ownQuery = (
  query: string,
  { ownedParameters, parameters }: Pick<Backend, "ownedParameters" | "parameters">,
): string => appendParameters(removeQueryParameters(query, ownedParameters), parameters);

/** One address in place of whatever the client and the front doors wrote of their way. attacks H1 */
export function forwardingHeaders(clientAddress: string | null): readonly string[] {
  return clientAddress === null ? [] : ["x-forwarded-for", clientAddress];
}

/** Lets pass what may be sent. @throws SessionProxyError `QSP-TARGET`, `QSP-TOO-LARGE` */
export function checkPrepared(
  { hasBody, contentLength = 0 }: PreparedRequest,
  routeClass: RouteClass,
  limits: { readonly requestBody: number },
): void {
  // A body on a static file has no meaning, and would hold a connection that everybody shares.
  if (hasBody && !needsIdentity(routeClass)) throw new SessionProxyError("QSP-TARGET", { reason: "a body" });
  if (contentLength > limits.requestBody) throw new SessionProxyError("QSP-TOO-LARGE");
}

/** Methods that change nothing need no token. facts §3 */
export function needsCsrfToken(method: string): boolean {
  return method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
}

/** What shows the tenant whose a request is. */
export interface SentCredentials {
  readonly cookie: string;
  /** Null for requests that need none. */
  readonly csrfToken: string | null;
  /** Headers that show it beside cookies: names and values in turn. */
  readonly shown: readonly string[];
}

/** Adds what we own, last, so that nothing of the client can take its place, and nothing of ours can afterwards. */
export function withCredentials(headers: readonly string[], credentials: SentCredentials): readonly string[] {
  const { cookie, csrfToken, shown } = credentials;
  const all = cookie === "" ? [...headers, ...shown] : [...headers, "cookie", cookie, ...shown];
  if (csrfToken !== null) all.push(csrfHeader, csrfToken);
  return Object.freeze(all);
}

/** The codings that both the client and the rewriter know; "identity" where there is none. */
const rewritable = createMemo(knownCodings, (value) => {
  const kept = value.split(",").filter((part) => {
    const [coding = ""] = part.split(";");
    return rewritableCodings.has(coding.trim().toLowerCase());
  });
  return kept.length === 0 ? "identity" : kept.map((part) => part.trim()).join(", ");
});

/** Takes our suffix off the entity tags of a request's conditions. rules R6 */
class TagRules {
  readonly #suffix: string | null;
  readonly #dropsRange: boolean;
  conditionFails = false;
  hasOwn = false;

  constructor(suffix: string | null, raw: RawHeaders) {
    this.#suffix = suffix;
    this.#dropsRange =
      suffix !== null && headerValues(raw, "if-range").some((value) => value.includes(";qsp-"));
  }

  rewrite(lowerName: string, value: string): string | null {
    if (this.#suffix === null) return value;
    if (lowerName === "range" || lowerName === "if-range") return this.#dropsRange ? null : value;
    if (lowerName !== "if-none-match" && lowerName !== "if-match") return value;
    if (value.includes(`;qsp-${this.#suffix}"`)) this.hasOwn = true;
    const kept = stripEntityTags(value, this.#suffix);
    if (kept === null && lowerName === "if-match") this.conditionFails = true;
    return kept;
  }
}
