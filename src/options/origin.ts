import { isIP } from "node:net";
import { isSerialisedOrigin } from "../http/serialised-origin.ts";

/** What is allowed beyond https. */
export interface OriginRules {
  /** Whether http is allowed too; an `unsafe` key says so. */
  readonly plainHttp: boolean;
  /** Name of that key, for the message. */
  readonly plainHttpKey: string;
}

/** Says what is wrong with an origin, and what would be right, without a user name or password in it; null when nothing is. */
export function originProblem(text: string, rules: OriginRules): string | null {
  if (text.includes("*")) return "has a wildcard; origins are compared exactly: list each one";
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    return "is not an origin such as https://portal.example.com";
  }
  if (url.username !== "" || url.password !== "") return "must not hold a user name or a password";
  if (url.origin !== text)
    return `must be an origin without a path, exactly as browsers write it: "${url.origin}"`;
  if (url.hostname.endsWith(".")) return "ends in a dot";
  if (!isSerialisedOrigin(text)) return "has characters that no host name has";
  if (url.protocol === "http:" && !rules.plainHttp) {
    return `must begin with https:// (for local work, ${rules.plainHttpKey} allows http)`;
  }
  return null;
}

/**
 * Says what is wrong with the tenant's origin; null when nothing is.
 *
 * Any host name is taken, because only the operator can write it. An address is taken for a local tenant only: on
 * the loopback interface, or with `unsafe.plainHttpTenant`; a real tenant's certificate is for a name.
 */
export function tenantOriginProblem(text: string, plainHttp: boolean): string | null {
  const problem = originProblem(text, { plainHttp, plainHttpKey: "unsafe.plainHttpTenant" });
  if (problem !== null) return problem;
  const host = new URL(text).hostname;
  const isAddress = isIP(host) === 4 || host.startsWith("[");
  const isLoopback = host.startsWith("127.") || host === "[::1]";
  if (isAddress && !isLoopback && !plainHttp) {
    return `must be the tenant's host name, such as https://acme.eu.qlikcloud.com, not the address ${host}`;
  }
  return null;
}

/**
 * Writes one source of the `frame-ancestors` directive: `self` and `none` get their quotes, an origin stays.
 *
 * Null for anything else, so that no other directive can be smuggled in.
 */
export function parseFrameAncestor(text: string): string | null {
  if (text === "self" || text === "'self'") return "'self'";
  if (text === "none" || text === "'none'") return "'none'";
  const host = text.replace("://*.", "://any.");
  return URL.canParse(host) && /^https?:$/.test(new URL(host).protocol) && new URL(host).origin === host
    ? text
    : null;
}

/** Reads the prefix: "" for the root mount, otherwise the path itself; a problem when it cannot be one. */
export function parsePrefix(text: string): { readonly prefix: string } | { readonly problem: string } {
  if (text === "/") return { prefix: "" };
  if (!text.startsWith("/")) return { problem: `must start with "/", such as "/qlik"` };
  if (text.endsWith("/")) return { problem: 'must not end with "/", unless it is "/" alone' };
  const segments = text.slice(1).split("/");
  if (segments.some((segment) => segment === "." || segment === "..")) {
    return { problem: "must not hold the segments . and .." };
  }
  if (!segments.every((segment) => /^[A-Za-z0-9._~-]+$/.test(segment))) {
    return { problem: "may hold letters, digits, . _ ~ and - only, with single slashes between them" };
  }
  return { prefix: text };
}
