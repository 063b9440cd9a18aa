import { containActiveContent } from "../http/active-content.ts";
import { suffixEntityTag } from "../http/entity-tag.ts";
import { connectionNames, isHopByHop } from "../http/hop-by-hop.ts";
import { rewriteLink, rewriteLocation } from "../http/location.ts";
import {
  firstHeader,
  headerValues,
  isHeaderName,
  isHeaderValue,
  type RawHeaders,
} from "../http/raw-headers.ts";
import type { RouteClass } from "../policy/rule.ts";
import { pagePolicy } from "./page-policy.ts";

/** Where a response is seen from, and what that means for it. */
export interface ResponseRules {
  readonly routeClass: RouteClass;
  readonly method: string;
  /** Path at the tenant. */
  readonly path: string;
  /** Whether the request asked for a part of the body. */
  readonly isRange: boolean;
  readonly tenantOrigin: string;
  /** `publicOrigin` and prefix, without slash at the end. */
  readonly publicBase: string;
  readonly prefix: string;
  /** Exact origin that may read the answer with credentials; undefined for none. */
  readonly corsOrigin: string | undefined;
  /** "same-site" where pages of a sibling origin embed us. */
  readonly resourcePolicy: "same-origin" | "same-site";
  readonly frameAncestors: readonly string[];
  /** The suffix of our entity tags; null where the route has none. */
  readonly tagSuffix: string | null;
  /** Whether the request carried an entity tag of ours. */
  readonly hasOwnTag: boolean;
}

/** A response as it goes to the browser. */
export interface PreparedResponse {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: string[];
  /** Cookies that the tenant set; they stay here. */
  readonly setCookies: readonly string[];
  /** Whether links in the body are rewritten; the body's length is then not known. */
  readonly rewritesBody: boolean;
}

/** They would act on the app's origin, name the tenant's machinery, or are replaced by ours. attacks H7, H9, H10 */
const dropped: ReadonlySet<string> = new Set([
  "set-cookie",
  "set-cookie2",
  "strict-transport-security",
  "public-key-pins",
  "public-key-pins-report-only",
  "expect-ct",
  "clear-site-data",
  "service-worker-allowed",
  "nel",
  "report-to",
  "reporting-endpoints",
  "alt-svc",
  "alt-used",
  "x-frame-options",
  "content-security-policy",
  "content-security-policy-report-only",
  "cross-origin-resource-policy",
  "cross-origin-opener-policy",
  "cross-origin-opener-policy-report-only",
  "cross-origin-embedder-policy",
  "cross-origin-embedder-policy-report-only",
  "origin-agent-cluster",
  "document-policy",
  "permissions-policy",
  "x-content-type-options",
  "timing-allow-origin",
  "accept-ch",
  "critical-ch",
  "refresh",
  "www-authenticate",
  "authentication-info",
  "server",
  "server-timing",
  "via",
  "x-powered-by",
  "x-aspnet-version",
  "x-runtime",
  "speculation-rules",
  "set-login",
  "sourcemap",
  "x-sourcemap",
  "proxy-status",
  "qlik-csrf-token",
]);

const droppedPrefixes = ["access-control-", "x-envoy-", "x-amz"] as const;

/** Headers that clients of another origin may read. facts §8 */
const exposed =
  "location, retry-after, content-disposition, upload-offset, upload-length, tus-resumable, content-range, etag, server-timing, proxy-status";

/** Rewrites the head of an answer for the browser; a pure function of answer and rules. */
export function prepareResponse(
  answer: { readonly status: number; readonly headers: RawHeaders },
  rules: ResponseRules,
): PreparedResponse {
  const { status, headers: raw } = answer;
  const isApi = rules.path.startsWith("/api/");
  const rewritesBody = isApi && hasRewritableBody(answer, rules);
  const rewritesTag = isRewritable(answer, rules) || (status === 304 && rules.hasOwnTag);
  const isPrivate = rules.routeClass !== "static";
  const listed = connectionNames(raw);
  const headers: string[] = [];
  const vary: string[] = [];
  let cacheControl: string | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    const lower = name.toLowerCase();
    if (isHopByHop(lower) || listed.has(lower) || !mayReachBrowser(lower) || !isSound(name, value)) continue;
    if (lower === "vary") vary.push(value);
    else if (lower === "cache-control") cacheControl = cacheControl ? `${cacheControl}, ${value}` : value;
    else if (isPrivate && (lower === "expires" || lower === "pragma")) continue;
    else if (rewritesBody && describesOldBody(lower)) continue;
    else headers.push(name, rewriteValue(lower, value, rules, rewritesTag));
  }
  headers.push(
    "cache-control",
    isPrivate ? privatePolicy(cacheControl) : staticPolicy(cacheControl, rules.path),
  );
  headers.push("vary", varyList(vary, isPrivate));
  headers.push("x-content-type-options", "nosniff");
  headers.push("cross-origin-resource-policy", rules.resourcePolicy);
  headers.push(...contentPolicy(raw, rules));
  if (rules.corsOrigin !== undefined) headers.push(...corsHeaders(rules.corsOrigin));
  return { status, headers, setCookies: headerValues(raw, "set-cookie"), rewritesBody };
}

/** What an origin on the list may do with an answer. */
export function corsHeaders(origin: string): string[] {
  return [
    "access-control-allow-origin",
    origin,
    "access-control-allow-credentials",
    "true",
    "access-control-expose-headers",
    exposed,
  ];
}

function mayReachBrowser(lowerName: string): boolean {
  return !dropped.has(lowerName) && !droppedPrefixes.some((prefix) => lowerName.startsWith(prefix));
}

/** node throws on what it cannot write; such a header is left out. reliability: one odd answer must not end the process */
const isSound = (name: string, value: string): boolean => isHeaderName(name) && isHeaderValue(value);

function rewriteValue(lowerName: string, value: string, rules: ResponseRules, rewritesTag: boolean): string {
  if (lowerName === "location" || lowerName === "content-location") return rewriteLocation(value, rules);
  if (lowerName === "link") return rewriteLink(value, rules);
  if (lowerName === "etag" && rewritesTag && rules.tagSuffix !== null) {
    return suffixEntityTag(value, rules.tagSuffix);
  }
  return value;
}

/** Headers that are true of the tenant's bytes only. rules R6 */
const describesOldBody = (lowerName: string): boolean =>
  lowerName === "content-length" ||
  lowerName === "content-md5" ||
  lowerName === "digest" ||
  lowerName === "content-digest" ||
  lowerName === "repr-digest" ||
  lowerName === "accept-ranges";

/** Whether an answer is of the kind in which links are rewritten; also asked for HEAD, so that tags agree. rules R6 */
function isRewritable(
  answer: { readonly status: number; readonly headers: RawHeaders },
  rules: ResponseRules,
): boolean {
  const { status, headers } = answer;
  const method = rules.method;
  if (!rules.path.startsWith("/api/") || rules.isRange) return false;
  if (method !== "GET" && method !== "HEAD" && method !== "POST") return false;
  if (status < 200 || status > 299 || status === 204 || status === 205 || status === 206) return false;
  if (firstHeader(headers, "content-disposition")?.trim().toLowerCase().startsWith("attachment"))
    return false;
  const coding = firstHeader(headers, "content-encoding")?.trim().toLowerCase() ?? "identity";
  return isJson(firstHeader(headers, "content-type")) && ["identity", "gzip", "br"].includes(coding);
}

function hasRewritableBody(
  answer: { readonly status: number; readonly headers: RawHeaders },
  rules: ResponseRules,
): boolean {
  return rules.method !== "HEAD" && isRewritable(answer, rules);
}

function isJson(contentType: string | undefined): boolean {
  const [type = ""] = (contentType ?? "").split(";");
  const trimmed = type.trim().toLowerCase();
  return trimmed === "application/json" || (trimmed.startsWith("application/") && trimmed.endsWith("+json"));
}

/** What one user may see is never kept for another. rules R7 */
const privatePolicy = (value: string | undefined): string =>
  value !== undefined && /\bno-store\b/i.test(value) ? "private, no-store" : "private, no-cache";

/** Only a static file whose name changes with its content keeps its age. rules R7 */
function staticPolicy(value: string | undefined, path: string): string {
  if (value === undefined) return "no-cache";
  return /\b(immutable|no-store)\b/i.test(value) || fingerprinted.test(path) ? value : "no-cache";
}

const fingerprinted = /[.-][0-9a-f]{8,64}\.[a-z0-9]{1,8}$/i;

function varyList(given: readonly string[], isPrivate: boolean): string {
  const names = new Map<string, string>();
  const wanted = [
    ...given.flatMap((each) => each.split(",")),
    "Origin",
    "Sec-Fetch-Site",
    ...(isPrivate ? ["Cookie"] : []),
  ];
  for (const name of wanted) {
    const trimmed = name.trim();
    if (trimmed !== "") names.set(trimmed.toLowerCase(), trimmed);
  }
  return [...names.values()].join(", ");
}

/** Pages get our frame and connect policy; any other active content must not run as the app. rules R2 */
function contentPolicy(raw: RawHeaders, rules: ResponseRules): string[] {
  if (rules.routeClass === "page") {
    return ["content-security-policy", pagePolicy(headerValues(raw, "content-security-policy"), rules)];
  }
  const { csp, attachment } = containActiveContent(firstHeader(raw, "content-type"));
  const headers = csp === undefined ? [] : ["content-security-policy", csp];
  const alreadyAttached = firstHeader(raw, "content-disposition") !== undefined;
  if (attachment && !alreadyAttached) headers.push("content-disposition", "attachment");
  return headers;
}
