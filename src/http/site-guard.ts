import { isHostOf, isSerialisedOrigin, originOfUrl, parseOrigin } from "./serialised-origin.ts";

/** What the site guard knows of a request. */
export interface SiteFacts {
  readonly method: string;
  readonly upgrade: boolean;
  readonly routeClass: "static" | "rest" | "page" | "engine" | "own";
  /** Which of our own routes; only with the class "own". */
  readonly ownRoute?:
    | "callback"
    | "backchannel-logout"
    | "changes-state"
    | "login"
    | "logout"
    | "read"
    /** A file of ours that says nothing of anybody. */
    | "file"
    | undefined;
  /** The `Host` header. */
  readonly host: string | undefined;
  /** Every value of `Origin`. */
  readonly origins: readonly string[];
  /** Every value of `Sec-Fetch-Site`. */
  readonly fetchSites: readonly string[];
  readonly fetchMode?: string | undefined;
  readonly fetchDest?: string | undefined;
  readonly referer?: string | undefined;
  /** `Access-Control-Request-Method`. */
  readonly preflightMethod?: string | undefined;
  /** Whether the request carries any cookie. */
  readonly hasCookie: boolean;
  /** Whether the identity comes from a token in `Authorization`, which no browser adds by itself. */
  readonly authorizationIdentity: boolean;
  /** Whether the request came in over TLS. */
  readonly secure: boolean;
}

/** What the operator has said about origins. */
export interface SitePolicy {
  /** What the browser sees; undefined in the library, where it is the request's own. */
  readonly publicOrigin: string | undefined;
  /** Exact origins, ours included where it is known. */
  readonly allowedOrigins: ReadonlySet<string>;
  /** Whether clients that are no browsers may leave out `Origin`. */
  readonly allowMissingOrigin: boolean;
}

/** What the guard says, with the row of the table (`rules.md` R4) that decided. */
export type SiteVerdict =
  | {
      readonly pass: true;
      readonly row: number;
      /** The exact origin to name in `Access-Control-Allow-Origin`. */
      readonly cors?: string;
    }
  | { readonly pass: "preflight"; readonly row: number; readonly cors: string }
  | {
      readonly pass: false;
      readonly row: number;
      readonly code: "QSP-TARGET" | "QSP-CROSS-SITE";
      readonly status: 400 | 403 | 421;
    };

/** Judges whether a request comes from a site that may use the user's session. The first row that matches wins. */
export function judgeSite(facts: SiteFacts, policy: SitePolicy): SiteVerdict {
  const malformed = judgeForm(facts, policy);
  if (malformed !== null) return malformed;
  if (isBoundOtherwise(facts)) return pass(1);
  const [origin] = facts.origins;
  if (facts.upgrade) return judgeUpgrade(facts, policy, origin);
  if (origin === undefined) return judgeWithoutOrigin(facts, policy);
  return judgeOrigin(facts, policy, origin) ?? judgeUnusual(facts);
}

/** Row 0: what cannot be judged at all. */
function judgeForm(facts: SiteFacts, policy: SitePolicy): SiteVerdict | null {
  const refused = (status: 400 | 421): SiteVerdict => ({ pass: false, row: 0, code: "QSP-TARGET", status });
  if (facts.host === undefined) return refused(400);
  if (policy.publicOrigin === undefined) {
    if (!isSerialisedOrigin(ownOrigin(facts.host, facts.secure))) return refused(400);
  } else if (!isHostOf(facts.host, policy.publicOrigin)) {
    return refused(421);
  }
  if (facts.origins.length > 1 || facts.fetchSites.length > 1) return refused(400);
  const [origin] = facts.origins;
  return origin === undefined || origin === "null" || isSerialisedOrigin(origin) ? null : refused(400);
}

/** Row 1: the state parameter binds the callback, a signed token the back-channel; neither rests on cookies. */
function isBoundOtherwise(facts: SiteFacts): boolean {
  if (facts.upgrade) return false;
  return (
    (facts.ownRoute === "callback" && facts.method === "GET") ||
    (facts.ownRoute === "backchannel-logout" && facts.method === "POST")
  );
}

/** Rows 2 and 3. */
function judgeUpgrade(facts: SiteFacts, policy: SitePolicy, origin: string | undefined): SiteVerdict {
  const [site] = facts.fetchSites;
  if (origin === undefined) return mayLeaveOutOrigin(facts, policy) ? pass(3) : foreign(3);
  const ours = isOurs(origin, facts, policy);
  // Chromium sends no Sec-Fetch-Site on an upgrade.
  if (site === undefined || site === "same-origin") {
    return ours || policy.allowedOrigins.has(origin) ? pass(2) : foreign(3);
  }
  const listed = policy.allowedOrigins.has(origin) || (ours && policy.publicOrigin !== undefined);
  return listed && (site === "same-site" || (site === "cross-site" && !ours)) ? pass(2) : foreign(3);
}

/** Rows 4 to 8, for a request with an `Origin`; null if none of them matches. */
function judgeOrigin(facts: SiteFacts, policy: SitePolicy, origin: string): SiteVerdict | null {
  const [site] = facts.fetchSites;
  const listed = policy.allowedOrigins.has(origin) || origin === policy.publicOrigin;
  if (facts.method === "OPTIONS" && facts.preflightMethod !== undefined) {
    return listed ? { pass: "preflight", row: 4, cors: origin } : foreign(4);
  }
  // Firefox hides the origin of a same-origin no-cors POST without referrer.
  if (origin === "null") return site === "same-origin" ? pass(5) : foreign(5);
  if (!listed) return site === "same-origin" && isOurs(origin, facts, policy) ? pass(6) : foreign(6);
  if (site === "same-origin") return pass(7);
  if (site === undefined || site === "same-site" || site === "cross-site") {
    return { pass: true, row: 8, cors: origin };
  }
  return null;
}

/** Rows 11 and 14: a `Sec-Fetch-Site` of "none" (typed, bookmarked), or one that no browser sends. */
function judgeUnusual(facts: SiteFacts): SiteVerdict {
  return isReading(facts) && facts.fetchSites[0] === "none" && !changesState(facts) ? pass(11) : foreign(14);
}

/** Rows 7 and 9 to 14, for a request without an `Origin`. */
function judgeWithoutOrigin(facts: SiteFacts, policy: SitePolicy): SiteVerdict {
  const [site] = facts.fetchSites;
  if (site === "same-origin") return pass(7);
  if (!isReading(facts)) {
    if (site !== undefined) return foreign(14);
    return mayLeaveOutOrigin(facts, policy) ? pass(13) : foreign(13);
  }
  switch (site) {
    case "same-site":
      if (!hasSibling(facts, policy)) return foreign(14);
      return mayComeFromSibling(facts, policy) ? pass(9) : foreign(9);
    case "cross-site":
      return isNavigation(facts) && facts.fetchDest === "document" && isPage(facts) ? pass(10) : foreign(14);
    case "none":
      return judgeUnusual(facts);
    case undefined:
      return mayComeWithoutMetadata(facts, policy) ? pass(12) : foreign(12);
    default:
      return foreign(14);
  }
}

/** Row 9: what a listed sibling's pages load without saying who they are. */
function mayComeFromSibling(facts: SiteFacts, policy: SitePolicy): boolean {
  if (facts.routeClass === "static" || facts.ownRoute === "file") return true;
  if (isPage(facts) && isNavigation(facts)) return true;
  if (facts.routeClass !== "rest") return false;
  const origin = originOfUrl(facts.referer ?? "");
  return origin !== null && policy.allowedOrigins.has(origin);
}

/** Row 12: browsers without Fetch-Metadata, and clients that are none. */
function mayComeWithoutMetadata(facts: SiteFacts, policy: SitePolicy): boolean {
  if (facts.ownRoute === "login" || facts.ownRoute === "logout" || changesState(facts)) return false;
  if (facts.referer === undefined || facts.referer === "") return true;
  const origin = originOfUrl(facts.referer);
  return origin !== null && (policy.allowedOrigins.has(origin) || isOurs(origin, facts, policy));
}

function mayLeaveOutOrigin(facts: SiteFacts, policy: SitePolicy): boolean {
  return policy.allowMissingOrigin || (facts.authorizationIdentity && !facts.hasCookie);
}

/** Whether an origin is the one under which the browser sees us. */
function isOurs(origin: string, facts: SiteFacts, policy: SitePolicy): boolean {
  if (policy.publicOrigin !== undefined) return origin === policy.publicOrigin;
  // TLS may end in front of us, so a plain request says nothing about the scheme that the browser sees.
  if (facts.secure && !origin.startsWith("https://")) return false;
  return origin !== "null" && isHostOf(facts.host ?? "", origin);
}

/** The origin that the request itself names, for want of a configured one. */
function ownOrigin(host: string, secure: boolean): string {
  const lower = host.toLowerCase();
  const defaultPort = secure ? ":443" : ":80";
  const authority = lower.endsWith(defaultPort) ? lower.slice(0, -defaultPort.length) : lower;
  return `${secure ? "https" : "http"}://${authority}`;
}

/** Whether an origin other than ours is listed that a browser would call same-site. */
function hasSibling(facts: SiteFacts, policy: SitePolicy): boolean {
  const own = policy.publicOrigin ?? ownOrigin(facts.host ?? "", facts.secure);
  for (const origin of policy.allowedOrigins) {
    if (origin !== own && isSameSite(origin, own)) return true;
  }
  return false;
}

/**
 * Whether two origins have the scheme and the last two labels of the host in common. Without a list of public
 * suffixes this calls a few strangers siblings, but only strangers that the operator has listed.
 */
export function isSameSite(a: string, b: string): boolean {
  const first = parseOrigin(a);
  const second = parseOrigin(b);
  if (first === null || second === null || first.scheme !== second.scheme) return false;
  if (first.hostname === second.hostname) return true;
  const labels = first.hostname.split(".").slice(-2);
  const isAddress = first.hostname.includes(":") || /^\d+$/.test(labels.at(-1) ?? "");
  return (
    !isAddress && labels.length === 2 && second.hostname.split(".").slice(-2).join(".") === labels.join(".")
  );
}

function isReading(facts: SiteFacts): boolean {
  return facts.method === "GET" || facts.method === "HEAD";
}

function isNavigation(facts: SiteFacts): boolean {
  return facts.fetchMode === "navigate";
}

/** Our log-in and log-out pages are pages too: they change nothing on a navigation from elsewhere. */
function isPage(facts: SiteFacts): boolean {
  return facts.routeClass === "page" || facts.ownRoute === "login" || facts.ownRoute === "logout";
}

function changesState(facts: SiteFacts): boolean {
  return facts.ownRoute === "changes-state" || facts.ownRoute === "backchannel-logout";
}

function pass(row: number): SiteVerdict {
  return { pass: true, row };
}

function foreign(row: number): SiteVerdict {
  return { pass: false, row, code: "QSP-CROSS-SITE", status: 403 };
}
