import type { OptionProblem } from "../../errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import type { ClaimNames } from "../claim-mapping.ts";

/** What the proxy is to an OpenID provider, and how it reads what the provider says. */
export interface OidcOptions {
  /** The provider's issuer, exactly as it writes it; its metadata are below it. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** What is asked for; `openid` is always among it. */
  readonly scopes: readonly string[];
  readonly claims: ClaimNames;
  /** Where the provider leads a person whom it has logged out; it knows the address. Its own page without. */
  readonly afterLogout?: string | undefined;
  /** Lets the issuer be http, on this machine. For local work only. */
  readonly mayBePlain?: boolean;
}

/** What is asked for where nothing else is said. */
export const usualScopes: readonly string[] = ["openid", "profile", "email"];

/** A scope. @see RFC 6749 §3.3 */
const scope = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Values that may still be missing. */
export interface GivenOidc {
  readonly issuer: string | undefined;
  readonly scopes: readonly string[];
  readonly afterLogout: string | undefined;
  readonly mayBePlain: boolean;
}

/** Checks what is there; paths are below the source's own place in a configuration. */
export function checkOidc({ issuer, scopes, afterLogout, mayBePlain }: GivenOidc): readonly OptionProblem[] {
  const problems: OptionProblem[] = [];
  const report = (path: string, message: string | null): void => {
    if (message !== null) problems.push({ path, message });
  };
  if (issuer !== undefined) report("issuer", issuerProblem(issuer, mayBePlain));
  if (!scopes.includes("openid"))
    report("scopes", "must hold openid: without it the provider does not say who the user is");
  for (const [index, text] of scopes.entries())
    report(`scopes[${index}]`, scope.test(text) ? null : "is not the name of a scope");
  if (afterLogout !== undefined && !isWebAddress(afterLogout))
    report("afterLogout", "must be an address such as https://portal.example.com/");
  return problems;
}

/** @see OpenID Connect Discovery §4.1 */
function issuerProblem(issuer: string, mayBePlain: boolean): string | null {
  if (!isWebAddress(issuer)) return "must be the provider's issuer, such as https://idp.example.com";
  const { protocol, hostname, search, hash, username, password } = new URL(issuer);
  if (search !== "" || hash !== "" || username !== "" || password !== "")
    return "must not hold a query, a fragment or a password";
  if (issuer.includes("/.well-known/"))
    return 'ends before "/.well-known/", as the metadata say it in "issuer"';
  if (protocol === "https:" || (mayBePlain && isThisMachine(hostname))) return null;
  return "must begin with https://; for local work, unsafe.plainHttpPublic allows http on this machine";
}

const isWebAddress = (text: string): boolean =>
  URL.canParse(text) && ["https:", "http:"].includes(new URL(text).protocol);

/** @see RFC 6761 §6.3 */
const isThisMachine = (hostname: string): boolean =>
  hostname === "localhost" ||
  hostname.endsWith(".localhost") ||
  hostname === "[::1]" ||
  /^127\.\d+\.\d+\.\d+$/.test(hostname);
