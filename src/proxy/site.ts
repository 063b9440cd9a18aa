import { createHash } from "node:crypto";
import { Memo } from "../kernel/memo.ts";
import { firstHeader } from "../http/raw-headers.ts";
import type { ResolvedOptions } from "../options/resolved-options.ts";
import type { RequestHead } from "./request-head.ts";

/** Changes when the rewriter gives other bytes for the same answer. rules R6 */
const rewriterVersion = "1";

/** How we are seen from outside, computed once where it does not depend on the request. */
export interface Site {
  /** Our origin as the browser of this request sees it. */
  originFor(request: RequestHead): string;
  /** Our origin and prefix, without slash at the end. */
  baseFor(request: RequestHead): string;
  /** Whether the answer may be read by this origin with credentials: exactly listed, and not our own. */
  corsOriginFor(request: RequestHead): string | undefined;
  /** Pages of a sibling origin embed us only where the list names one. rules R4 */
  readonly resourcePolicy: "same-origin" | "same-site";
  /** Whether pages of another origin are embedded with us, as where we have a host name of our own. */
  readonly hasSibling: boolean;
  /** The suffix that binds an entity tag to this place and this user's session. rules R6 */
  tagSuffix(base: string, sessionKey: string): string;
}

/** Creates the view from outside. */
export function createSite(options: ResolvedOptions): Site {
  const { publicOrigin, prefix, allowedOrigins } = options;
  const hasSibling = [...allowedOrigins].some((origin) => origin !== publicOrigin);

  const originFor = (request: RequestHead): string => {
    if (publicOrigin !== undefined) return publicOrigin;
    const scheme = request.socket.encrypted === true ? "https" : "http";
    return `${scheme}://${firstHeader(request.rawHeaders, "host") ?? "localhost"}`;
  };

  return {
    originFor,
    baseFor: (request) => originFor(request) + prefix,
    corsOriginFor(request) {
      const origin = firstHeader(request.rawHeaders, "origin");
      return origin !== undefined && origin !== publicOrigin && allowedOrigins.has(origin)
        ? origin
        : undefined;
    },
    hasSibling,
    resourcePolicy: hasSibling ? "same-site" : "same-origin",
    tagSuffix(base, sessionKey) {
      // The base begins with its scheme, which no key holds: no two pairs are the same text.
      const pair = `${sessionKey}${base}`;
      return suffixes.get(pair) ?? suffixes.keep(pair, suffixOf(base, sessionKey));
    },
  };
}

/** Suffixes that are remembered, some 300 bytes each. */
const knownSuffixes = 20_000;

/** Earned by: bench 200B. */
const suffixes = new Memo<string>(knownSuffixes);

const suffixOf = (base: string, sessionKey: string): string =>
  createHash("sha256")
    .update(JSON.stringify([base, rewriterVersion, sessionKey]))
    .digest("hex")
    .slice(0, 12);
