/** Where the tenant is, and where the browser finds it instead. */
export interface LocationMap {
  /** Scheme, host and port of the tenant, as a browser would write it. */
  readonly tenantOrigin: string;
  /** Path at that origin below which the tenant is; "" by default. */
  readonly tenantBase?: string;
  /** Public origin and prefix, no slash at the end. */
  readonly publicBase: string;
  /** "" or "/qlik". */
  readonly prefix: string;
}

/** What absolute URLs of the tenant begin with, in parts. */
export interface OriginParts {
  /** For http and for WebSockets. facts §13: both occur */
  readonly schemes: readonly string[];
  /** Host, and port where it is not the default. */
  readonly authority: string;
  /** The default port as it may be written, ":443"; "" where the authority has a port. */
  readonly defaultPort: string;
}

export function originParts(tenantOrigin: string): OriginParts {
  const secure = tenantOrigin.startsWith("https://");
  const authority = tenantOrigin.slice(tenantOrigin.indexOf("://") + 3);
  const hasPort = authority.indexOf(":", authority.lastIndexOf("]") + 1) !== -1;
  return {
    schemes: secure ? ["https", "wss"] : ["http", "ws"],
    authority,
    defaultPort: hasPort ? "" : secure ? ":443" : ":80",
  };
}

/** Lists every way to write where the tenant is at the beginning of an absolute URL. */
export function spellingsOf(tenantOrigin: string, tenantBase: string = ""): readonly string[] {
  const { schemes, authority, defaultPort } = originParts(tenantOrigin);
  const ports = defaultPort === "" ? [""] : ["", defaultPort];
  return schemes.flatMap((scheme) => ports.map((port) => `${scheme}://${authority}${port}${tenantBase}`));
}

/** Turns a `Location` into the tenant into one through us; another host's stays as it is. */
export function rewriteLocation(value: string, map: LocationMap): string {
  const { tenantOrigin, tenantBase = "", publicBase, prefix } = map;
  const rest = withinTenant(value, tenantOrigin, tenantBase);
  if (rest !== null) return publicBase + rest;
  if (!isRootRelative(value)) return value;
  // What is beside the tenant's base is not ours, and would be another page of the app's.
  return isBelow(value, tenantBase) ? prefix + value.slice(tenantBase.length) : tenantOrigin + value;
}

/** Tells whether a redirect asks for a sign-in: the tenant's own log-in page, or the authorize page of another host. */
export function isLoginRedirect(value: string, tenantOrigin: string): boolean {
  const rest = isRootRelative(value) ? value : withinTenant(value, tenantOrigin);
  if (rest !== null) return rest.slice(0, endOfPath(rest, 0)) === "/login";
  const authorityAt = value.indexOf("//") + 2;
  if (authorityAt === 1) return false;
  const pathAt = value.indexOf("/", authorityAt);
  if (pathAt === -1) return false;
  const path = value.slice(pathAt, endOfPath(value, pathAt));
  // The end point's name in OAuth 2.0 is free; these are the ones in use (RFC 6749 §3.1, and "auth" of two vendors).
  return path.endsWith("/authorize") || path.endsWith("/auth");
}

/** Rewrites each target of a `Link` header as a `Location`. @see RFC 8288 §3 */
export function rewriteLink(value: string, map: LocationMap): string {
  let out = "";
  let copied = 0;
  let quoted = false;
  for (let i = 0; i < value.length; i += 1) {
    const character = value[i];
    if (quoted) {
      if (character === "\\") i += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') {
      quoted = true;
    } else if (character === "<") {
      const end = value.indexOf(">", i);
      if (end === -1) break;
      out += value.slice(copied, i + 1) + rewriteLocation(value.slice(i + 1, end), map);
      copied = end;
      i = end;
    }
  }
  return out + value.slice(copied);
}

/** What follows the tenant's origin in an absolute or protocol-relative URL; null if it leads elsewhere. */
function withinTenant(value: string, tenantOrigin: string, tenantBase: string = ""): string | null {
  const relative = value.startsWith("//");
  for (const spelling of spellingsOf(tenantOrigin, tenantBase)) {
    const start = relative ? spelling.slice(spelling.indexOf("//")) : spelling;
    if (value.startsWith(start) && endsOrigin(value.charCodeAt(start.length)))
      return value.slice(start.length);
  }
  return null;
}

/** Whether a character ends the authority of a URL: "/", "?", "#" or nothing at all. */
function endsOrigin(code: number): boolean {
  return code === 0x2f || code === 0x3f || code === 0x23 || Number.isNaN(code);
}

const isBelow = (path: string, base: string): boolean =>
  base === "" || (path.startsWith(base) && endsOrigin(path.charCodeAt(base.length)));

function isRootRelative(value: string): boolean {
  return value.startsWith("/") && !value.startsWith("//");
}

function endOfPath(value: string, from: number): number {
  for (let i = from; i < value.length; i += 1) {
    if (value[i] === "?" || value[i] === "#") return i;
  }
  return value.length;
}
