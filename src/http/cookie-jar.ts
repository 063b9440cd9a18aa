import { parseSetCookie } from "cookie";
import { createMemo } from "../kernel/memo.ts";
import { ownText } from "../kernel/own-text.ts";
import { parseCookieDate } from "./cookie-date.ts";
import { isHeaderValue } from "./raw-headers.ts";

/** One cookie of the jar's origin. */
export interface JarEntry {
  readonly name: string;
  /** Byte for byte as it was set, never decoded. */
  readonly value: string;
  readonly path: string;
  /** Milliseconds since the Unix epoch; absent for a cookie that ends with the session. */
  readonly expiresAt?: number;
  readonly secure: boolean;
}

/** What a response's cookies did to the jar; each name once. */
interface Absorption {
  /** Names whose value is new or another than before. */
  readonly changed: string[];
  /** Names of cookies that were in the jar and have been taken out. */
  readonly deleted: string[];
}

/** Cookies of one origin. */
export interface CookieJar {
  /**
   * Takes over the values of `Set-Cookie` headers, one each. `accepts` is asked for every valid cookie and may
   * refuse it; `deletes` tells it that the header would take the cookie out.
   */
  absorb(
    setCookies: readonly string[],
    now: number,
    accepts?: (name: string, deletes: boolean) => boolean,
  ): Absorption;
  /** The `Cookie` header for a request to `path` (without query); "" if there is nothing to send. */
  header(path: string, now: number): string;
  /** The value under a name; the one with the longest path if there are several. */
  get(name: string, now: number): string | undefined;
  has(name: string, now: number): boolean;
  /** Every entry, ready to be given to another jar of the same origin. */
  snapshot(): readonly JarEntry[];
}

/** Which origin a jar belongs to. */
export interface CookieJarOptions {
  /** Host name of the origin, without port. */
  readonly host: string;
  /** True for https, and where the operator has said to ignore `Secure`; else `Secure` cookies are refused. */
  readonly secure: boolean;
  /** What stands before the path of every request where it is sent; "" by default. */
  readonly base?: string;
}

/** A tenant sets about eight (facts §2.2); RFC 6265 §6.1 asks for room for 50. */
const MOST_COOKIES = 64;
/** Name and value together; RFC 6265 §6.1 asks for room for 4096 bytes. */
const LARGEST_COOKIE = 8192;
/** A longer `Path` is as if it were absent. @see RFC 6265bis §5.6 */
const LONGEST_PATH = 1024;
/** 400 days: no cookie lives longer. @see RFC 6265bis §5.5 */
const LONGEST_LIFE = 400 * 86_400_000;

/** Makes a jar; `entries` come from another jar's `snapshot()`. */
export function createCookieJar(options: CookieJarOptions, entries: readonly JarEntry[] = []): CookieJar {
  const host = options.host.toLowerCase();
  const { base = "" } = options;
  // Longest path first, then in the order of their first appearance. @see RFC 6265 §5.4
  let sorted = bySendingOrder(entries.slice(0, MOST_COOKIES));

  const absorbOne = (header: string, now: number, accepts: Accepts, outcome: Absorption): void => {
    const received = readSetCookie(header, host, options.secure, now);
    if (received === null) return;
    const gone = received.expiresAt !== undefined && received.expiresAt <= now;
    if (!accepts(received.name, gone)) return;
    const at = sorted.findIndex((entry) => entry.name === received.name && entry.path === received.path);
    const present = sorted[at];
    if (gone) {
      if (present === undefined) return;
      sorted = sorted.toSpliced(at, 1);
      note(outcome.deleted, outcome.changed, received.name);
    } else if (present?.value === received.value) {
      sorted = sorted.with(at, { ...received, name: present.name, value: present.value });
    } else if (present !== undefined) {
      sorted = sorted.with(at, ownEntry(received));
      note(outcome.changed, outcome.deleted, received.name);
    } else if (sorted.length < MOST_COOKIES) {
      sorted = bySendingOrder([...sorted, ownEntry(received)]);
      note(outcome.changed, outcome.deleted, received.name);
    }
  };

  return {
    absorb(setCookies, now, accepts = () => true) {
      const outcome: Absorption = { changed: [], deleted: [] };
      if (setCookies.length > 0 && sorted.some((entry) => !isAlive(entry, now))) {
        sorted = sorted.filter((entry) => isAlive(entry, now));
      }
      for (const header of setCookies) absorbOne(header, now, accepts, outcome);
      return outcome;
    },
    header(path, now) {
      const whole = base + path;
      let text = "";
      for (const entry of sorted) {
        if (!isAlive(entry, now) || !matchesPath(whole, entry.path)) continue;
        text += text === "" ? `${entry.name}=${entry.value}` : `; ${entry.name}=${entry.value}`;
      }
      return text;
    },
    get: (name, now) => sorted.find((entry) => entry.name === name && isAlive(entry, now))?.value,
    has: (name, now) => sorted.some((entry) => entry.name === name && isAlive(entry, now)),
    snapshot: () => sorted,
  };
}

/** An entry outlives the answer that it came with by far. */
const ownEntry = (received: JarEntry): JarEntry => ({
  ...received,
  name: ownText(received.name),
  value: ownText(received.value),
});

type Accepts = (name: string, deletes: boolean) => boolean;

/** Remembers a name in `list` once and takes it out of `other`: the last header about a cookie counts. */
function note(list: string[], other: string[], name: string): void {
  const stale = other.indexOf(name);
  if (stale !== -1) other.splice(stale, 1);
  if (!list.includes(name)) list.push(name);
}

function isAlive(entry: JarEntry, now: number): boolean {
  return entry.expiresAt === undefined || entry.expiresAt > now;
}

/** Sorting is stable, so cookies of equal path length keep the order of their first appearance. */
function bySendingOrder(entries: readonly JarEntry[]): readonly JarEntry[] {
  return entries.toSorted((a, b) => b.path.length - a.path.length);
}

/** Reads one `Set-Cookie` value for this origin; null where a browser would not keep it. */
function readSetCookie(header: string, host: string, secureOrigin: boolean, now: number): JarEntry | null {
  const end = endOfPair(header);
  const { name, value = "" } = parseSetCookie(header.slice(0, end), { decode: asItIs });
  const cookie = attributesOf(header.slice(end));
  if (name === "" || name.length + value.length > LARGEST_COOKIE) return null;
  if (!isHeaderValue(name) || !isHeaderValue(value)) return null;
  const domain = cookie.domain ?? "";
  if (domain !== "" && !matchesDomain(host, domain.toLowerCase())) return null;
  const { secure } = cookie;
  if (secure && !secureOrigin) return null;
  // The request's path is not known here: a cookie without one belongs to the whole origin.
  const path = cookie.path?.startsWith("/") && cookie.path.length <= LONGEST_PATH ? cookie.path : "/";
  if (!keepsPrefixPromise(name, secure, cookie.path === "/", domain)) return null;
  const expiresAt = expiryOf(cookie.maxAge, cookie.expires, now);
  return expiresAt === undefined ? { name, value, path, secure } : { name, value, path, secure, expiresAt };
}

function asItIs(text: string): string {
  return text;
}

/** `Max-Age` wins over `Expires`. @see RFC 6265 §5.3 step 3 */
function expiryOf(maxAge: number | undefined, expires: number | undefined, now: number): number | undefined {
  if (maxAge !== undefined) return maxAge <= 0 ? 0 : now + Math.min(maxAge * 1000, LONGEST_LIFE);
  return expires === undefined ? undefined : Math.min(expires, now + LONGEST_LIFE);
}

/** Name and value of the attribute, from where it begins to the next semicolon. */
const expiresAttribute = /[\t ]*expires[\t ]*=([^;]*)/iy;

/** The last `Expires` that is a date; the parser of the package takes more for dates than a browser does. */
function expiresOf(attributes: string): number | undefined {
  let expires: number | undefined;
  for (let at = attributes.indexOf(";"); at !== -1; at = attributes.indexOf(";", at + 1)) {
    expiresAttribute.lastIndex = at + 1;
    const value = expiresAttribute.exec(attributes)?.[1];
    if (value !== undefined) expires = parseCookieDate(value) ?? expires;
  }
  return expires;
}

/** What stands behind name and value. */
interface Attributes {
  readonly domain: string | undefined;
  readonly path: string | undefined;
  readonly secure: boolean;
  /** Seconds. */
  readonly maxAge: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly expires: number | undefined;
}

/** Texts of attributes that are remembered: a balancer writes the same one for a second, with ever new values before it. */
const knownAttributes = 100;

/** Earned by: bench 200B. */
const attributesOf = createMemo(knownAttributes, (text): Attributes => {
  const { domain, path, secure, maxAge } = parseSetCookie(`name=${text}`);
  return { domain, path, secure: secure === true, maxAge, expires: expiresOf(text) };
});

const endOfPair = (header: string): number => {
  const semicolon = header.indexOf(";");
  return semicolon === -1 ? header.length : semicolon;
};

/** The promises that a name beginning `__Host-` or `__Secure-` makes. @see RFC 6265bis §4.1.3 */
function keepsPrefixPromise(name: string, secure: boolean, wholeOrigin: boolean, domain: string): boolean {
  const lower = name.toLowerCase();
  if (lower.startsWith("__secure-")) return secure;
  return !lower.startsWith("__host-") || (secure && wholeOrigin && domain === "");
}

/** @see RFC 6265 §5.1.3 */
function matchesDomain(host: string, attribute: string): boolean {
  const domain = attribute.startsWith(".") ? attribute.slice(1) : attribute;
  if (host === domain) return true;
  return domain !== "" && host.endsWith(`.${domain}`) && !isAddress(host);
}

/** Whether a host is an IP address, which has no parent domains. */
function isAddress(host: string): boolean {
  const last = host.charCodeAt(host.length - 1);
  return host.includes(":") || (last >= 0x30 && last <= 0x39);
}

/** @see RFC 6265 §5.1.4 */
function matchesPath(path: string, cookiePath: string): boolean {
  if (!path.startsWith(cookiePath)) return false;
  return path.length === cookiePath.length || cookiePath.endsWith("/") || path[cookiePath.length] === "/";
}
