const SCHEMES = [
  { start: "https://", defaultPort: "443" },
  { start: "http://", defaultPort: "80" },
] as const;

/** The parts of a serialised web origin. */
export interface OriginParts {
  readonly scheme: "https" | "http";
  /** Host name or address, lower case; an IPv6 address in brackets. */
  readonly hostname: string;
  /** "" for the scheme's default port. */
  readonly port: string;
}

/** Tells whether a text is an http(s) origin just as a browser writes it: lower case, no default port, no slash. */
export function isSerialisedOrigin(text: string): boolean {
  return parseOrigin(text) !== null;
}

/** Parses a serialised http(s) origin; null for every other text, however close. */
export function parseOrigin(text: string): OriginParts | null {
  const scheme = SCHEMES.find(({ start }) => text.startsWith(start));
  if (scheme === undefined) return null;
  const authority = text.slice(scheme.start.length);
  const hostEnd = authority.startsWith("[") ? authority.indexOf("]") + 1 : endOfName(authority);
  const hostname = authority.slice(0, hostEnd);
  if (!isHostname(hostname)) return null;
  const name = scheme.start === "https://" ? "https" : "http";
  if (hostEnd === authority.length) return { scheme: name, hostname, port: "" };
  const port = authority.slice(hostEnd + 1);
  const valid = authority[hostEnd] === ":" && isPort(port) && port !== scheme.defaultPort;
  return valid ? { scheme: name, hostname, port } : null;
}

/**
 * Finds the origin in front of an absolute http(s) URL such as a `Referer`; null where there is none.
 * User information before the host makes it none: what stands there is not the host.
 */
export function originOfUrl(url: string): string | null {
  const authorityAt = url.indexOf("://") + 3;
  if (authorityAt === 2) return null;
  let end = authorityAt;
  while (end < url.length && !"/?#\\".includes(url[end] as string)) end += 1;
  const origin = url.slice(0, end);
  return isSerialisedOrigin(origin) ? origin : null;
}

/** Tells whether a `Host` header names the authority of an origin; the default port may be written out. */
export function isHostOf(host: string, origin: string): boolean {
  const authority = origin.slice(origin.indexOf("://") + 3);
  const lower = host.toLowerCase();
  if (lower === authority) return true;
  const defaultPort = origin.startsWith("https://") ? ":443" : ":80";
  return lower.length === authority.length + defaultPort.length && lower === authority + defaultPort;
}

function endOfName(authority: string): number {
  const colon = authority.indexOf(":");
  return colon === -1 ? authority.length : colon;
}

function isHostname(text: string): boolean {
  if (text.startsWith("[")) return text.length > 3 && consistsOf(text.slice(1, -1), "0123456789abcdef:.");
  return text !== "" && text[0] !== "." && consistsOf(text, "abcdefghijklmnopqrstuvwxyz0123456789.-_");
}

/** A number as a browser writes it: no zero in front. */
function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && String(+text) === text && +text <= 65_535;
}

function consistsOf(text: string, characters: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    if (!characters.includes(text[i] as string)) return false;
  }
  return true;
}
