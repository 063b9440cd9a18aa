import { asAttachment, containActiveContent, type Containment } from "../../http/active-content.ts";
import { suffixEntityTag } from "../../http/entity-tag.ts";
import { endToEndHeaders } from "../../http/end-to-end.ts";
import { withoutHints } from "../../http/link-hints.ts";
import { rewriteLink, rewriteLocation } from "../../http/location.ts";
import { knownNames } from "../../http/header-name.ts";
import { firstHeader, headerValues, type RawHeaders } from "../../http/raw-headers.ts";
import { createMemo } from "../../kernel/memo.ts";
import type { RouteClass } from "../../policy/rule.ts";
import { cacheHeaders } from "./cache-policy.ts";
import { corsHeaders } from "./cors.ts";
import { ancestorsPolicy, pagePolicy } from "./page-policy.ts";

/** Where a response is seen from, and what that means for it. */
export interface ResponseRules {
  readonly routeClass: RouteClass;
  readonly method: string;
  /** Path at the tenant. */
  readonly path: string;
  /** Whether the request asked for a part of the body. */
  readonly isRange: boolean;
  readonly tenantOrigin: string;
  /** Path at that origin below which the tenant is; "" by default. */
  readonly tenantBase?: string;
  /** `publicOrigin` and prefix, without slash at the end. */
  readonly publicBase: string;
  readonly prefix: string;
  /** Exact origin that may read the answer with credentials; undefined for none. */
  readonly corsOrigin: string | undefined;
  /** "same-site" where pages of a sibling origin embed us. */
  readonly resourcePolicy: "same-origin" | "same-site";
  readonly frameAncestors: readonly string[];
  /** Whether pages of the tenant may run with the rights of the app's own. rules R2 */
  readonly trustsPages: boolean;
  /** The suffix of our entity tags; null where the route has none. */
  readonly tagSuffix: string | null;
  /** Whether the request carried an entity tag of ours. */
  readonly hasOwnTag: boolean;
  /** Value of `Server-Timing`; the tenant's own stays here. product B8 */
  readonly serverTiming: string;
}

/** A response as it goes to the browser. */
export interface PreparedResponse {
  readonly status: number;
  /** Names and values in turn; ours come last, and nothing after them. */
  readonly headers: readonly string[];
  /** Whether links in the body are rewritten; the body's length is then not known. */
  readonly rewritesBody: boolean;
}

/** They would act on the app's origin, name the tenant's machinery, or are replaced by ours. attacks H7, H9, H10 */
export const keptBack: ReadonlySet<string> = new Set([
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
  // Orders to a front door: they would make it send a file or another address of its own.
  "x-sendfile",
  "x-lighttpd-send-file",
  "x-reproxy-url",
]);

const droppedPrefixes = ["access-control-", "x-accel-", "x-envoy-", "x-amz"] as const;

/** Rewrites the head of an answer for the browser; a pure function of answer and rules. */
export function prepareResponse(
  answer: { readonly status: number; readonly headers: RawHeaders },
  rules: ResponseRules,
): PreparedResponse {
  const { status } = answer;
  // What does not reach the browser has no say in what the rest means to it.
  const { headers: raw, names } = endToEndHeaders(answer.headers);
  const passing = { status, headers: raw };
  const isApi = rules.path.startsWith("/api/");
  const isOfKind = isApi && isRewritable(passing, rules);
  const rewritesBody = isOfKind && rules.method !== "HEAD";
  const rewritesTag = isOfKind || (status === 304 && rules.hasOwnTag);
  const isPrivate = rules.routeClass !== "static";
  const containment = containmentOf(passing, rules);
  const headers: string[] = [];
  const vary: string[] = [];
  let cacheControl: string | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    const lower = names[index / 2] ?? "";
    if (!isVisible(lower)) continue;
    if (lower === "vary") vary.push(value);
    else if (lower === "cache-control") cacheControl = cacheControl ? `${cacheControl}, ${value}` : value;
    else if (isPrivate && (lower === "expires" || lower === "pragma")) continue;
    else if (rewritesBody && describesOldBody(lower)) continue;
    else if (containment?.attachment && lower === "content-disposition") continue;
    else {
      const rewritten = rewriteValue(lower, value, rules, rewritesTag);
      if (rewritten !== null) headers.push(name, rewritten);
    }
  }
  const { path } = rules;
  headers.push(...cacheHeaders({ cacheControl, vary, isPrivate, path, isDelicate: isDelicate(passing) }));
  headers.push("x-content-type-options", "nosniff");
  headers.push("cross-origin-resource-policy", rules.resourcePolicy);
  headers.push(...contentPolicy(passing, rules, containment));
  if (rules.corsOrigin !== undefined) headers.push(...corsHeaders(rules.corsOrigin));
  headers.push("server-timing", rules.serverTiming);
  return { status, headers: Object.freeze(headers), rewritesBody };
}

/** Whether whoever compresses it would break it. */
const isDelicate = ({ status, headers }: Answer): boolean =>
  status === 206 || /^\s*text\/event-stream/i.test(firstHeader(headers, "content-type") ?? "");

/** Whether the browser may see a header. Earned by: bench 200B. */
const isVisible = createMemo(
  knownNames,
  (lowerName) => !keptBack.has(lowerName) && !droppedPrefixes.some((prefix) => lowerName.startsWith(prefix)),
);

/** A header's value for the browser; null where nothing of it may go there. */
function rewriteValue(
  lowerName: string,
  value: string,
  rules: ResponseRules,
  rewritesTag: boolean,
): string | null {
  if (lowerName === "location" || lowerName === "content-location") return rewriteLocation(value, rules);
  if (lowerName === "link") {
    // A page's own hints are its business; anything else has no say in what the app's page loads. attacks H9
    const kept = runsAsPage(rules) ? value : withoutHints(value);
    return kept === null ? null : rewriteLink(kept, rules);
  }
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
  if (rules.isRange) return false;
  if (method !== "GET" && method !== "HEAD" && method !== "POST") return false;
  if (status < 200 || status > 299 || status === 204 || status === 205 || status === 206) return false;
  if (!isJson(firstHeader(headers, "content-type") ?? "")) return false;
  if (firstHeader(headers, "content-disposition")?.trim().toLowerCase().startsWith("attachment"))
    return false;
  const coding = firstHeader(headers, "content-encoding")?.trim().toLowerCase() ?? "identity";
  return ["identity", "gzip", "br"].includes(coding);
}

/** Types that are remembered; a tenant sends a few dozen. */
const knownTypes = 200;

/** Earned by: bench 200B. */
const isJson = createMemo(knownTypes, (contentType) => {
  const [type = ""] = contentType.split(";");
  const trimmed = type.trim().toLowerCase();
  return trimmed === "application/json" || (trimmed.startsWith("application/") && trimmed.endsWith("+json"));
});

type Answer = Parameters<typeof prepareResponse>[0];

/**
 * A 304 that does not name a type or a policy leaves those that the browser has kept; ours for "no type" would take
 * their place, and a cached worker would lose its rights.
 */
const keepsStored = ({ status, headers }: Answer, lowerName: string): boolean =>
  status === 304 && firstHeader(headers, lowerName) === undefined;

/** How an answer is kept from running as the app; null for pages, which may. rules R2 */
function containmentOf(answer: Answer, rules: ResponseRules): Containment | null {
  if (runsAsPage(rules)) return null;
  if (keepsStored(answer, "content-type")) return { attachment: false };
  return containmentOfType(headerValues(answer.headers, "content-type").join(","));
}

/** Earned by: bench 200B. */
const containmentOfType = createMemo(knownTypes, containActiveContent);

/** Pages run with the rights of the app's own only where the operator said so. rules R2 */
const runsAsPage = (rules: ResponseRules): boolean => rules.routeClass === "page" && rules.trustsPages;

/** Pages get our frame and connect policy; any other active content must not run as the app. rules R2 */
function contentPolicy(answer: Answer, rules: ResponseRules, containment: Containment | null): string[] {
  const { headers: raw } = answer;
  if (containment === null) {
    if (keepsStored(answer, "content-security-policy")) return [];
    return ["content-security-policy", pagePolicy(headerValues(raw, "content-security-policy"), rules)];
  }
  const headers: string[] = [];
  if (containment.csp !== undefined) {
    headers.push("content-security-policy", `${containment.csp}; ${ancestorsPolicy(rules.frameAncestors)}`);
  }
  if (containment.attachment) {
    headers.push("content-disposition", asAttachment(firstHeader(raw, "content-disposition")));
  }
  return headers;
}
