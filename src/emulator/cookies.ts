import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { HeaderLine } from "./answer.ts";

/** Load balancer cookies live 7 days: facts §2.2. */
const LOAD_BALANCER_LIFETIME = 7 * 24 * 3600 * 1000;

/** Reads a `Cookie` header; the first of two equal names counts. */
export function parseCookies(header: string | undefined): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const part of (header ?? "").split(";")) {
    const equals = part.indexOf("=");
    if (equals < 0) continue;
    const name = part.slice(0, equals).trim();
    if (!cookies.has(name)) cookies.set(name, part.slice(equals + 1).trim());
  }
  return cookies;
}

/** Signs `name=value` in the manner of keygrip: HMAC, URL-safe base64, beside the cookie as `name.sig` (facts §2.2). */
export interface CookieSigner {
  /** Makes the value of `name.sig`: 86 characters (SHA-512) or 27 (SHA-1). */
  sign(name: string, value: string, length: 27 | 86): string;
  /** Tells whether `signature` was made by this signer, in either length. */
  verify(name: string, value: string, signature: string): boolean;
}

/** Creates a signer with a key of its own. */
export function createCookieSigner(): CookieSigner {
  const key = randomBytes(32);
  const sign: CookieSigner["sign"] = (name, value, length) =>
    createHmac(length === 27 ? "sha1" : "sha512", key)
      .update(`${name}=${value}`)
      .digest("base64url");
  return {
    sign,
    verify(name, value, signature) {
      const expected = Buffer.from(sign(name, value, signature.length === 27 ? 27 : 86));
      const given = Buffer.from(signature);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}

/** Formats a session cookie with the attributes the facts recommend: no source names the real ones (facts §2.2). */
export function sessionCookie(name: string, value: string, secure: boolean): HeaderLine {
  return [
    "Set-Cookie",
    `${name}=${value}; Path=/${secure ? "; Secure; HttpOnly; SameSite=None" : "; HttpOnly"}`,
  ];
}

/** Formats the deletion of a cookie. */
export function expiredCookie(name: string): HeaderLine {
  return [
    "Set-Cookie",
    `${name}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; SameSite=None`,
  ];
}

/** Makes the stickiness cookies that the load balancer adds to every answer, their date with a comma (facts §2.2). */
export function loadBalancerCookies(now: number): readonly HeaderLine[] {
  const value = randomBytes(96).toString("base64");
  const expires = new Date(now + LOAD_BALANCER_LIFETIME).toUTCString();
  return [
    ["Set-Cookie", `AWSALB=${value}; Expires=${expires}; Path=/`],
    ["Set-Cookie", `AWSALBCORS=${value}; Expires=${expires}; Path=/; SameSite=None; Secure`],
  ];
}
