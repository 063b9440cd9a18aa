/** The person, as the tenant's login reads it. facts §1.3 */
export interface Claims {
  readonly sub: string;
  readonly subType: "user";
  readonly name: string;
  readonly email?: string;
  readonly email_verified: boolean;
  readonly groups?: readonly string[];
}

/** What claims are made from: an identity without its lifetime. */
export interface ClaimSource {
  readonly subject: string;
  readonly name?: string;
  readonly email?: string;
  readonly emailVerified?: boolean;
  readonly groups?: readonly string[];
}

/**
 * Turns an identity into claims.
 *
 * The tenant documents `email` as required (facts §1.3). Where the host gives none and the subject is an address, that
 * address is sent, unverified; an address is never made up.
 *
 * `email_verified` is what the host says; without a word of the host it is true where an e-mail is given, because
 * only sources that the operator configured can give one, and false otherwise. `groups` is left out where the host
 * names none, so that a host without groups does not empty the groups of its users.
 */
export function toClaims(source: ClaimSource): Claims {
  const email = source.email ?? (looksLikeAddress(source.subject) ? source.subject : undefined);
  const base = {
    sub: source.subject,
    subType: "user" as const,
    name: source.name ?? source.subject,
    email_verified: source.emailVerified ?? source.email !== undefined,
  };
  const withEmail = email === undefined ? base : { ...base, email };
  return source.groups === undefined
    ? withEmail
    : { ...withEmail, groups: [...new Set(source.groups)].sort() };
}

/** One "@" with something on both sides; whether it exists is the tenant's question. */
function looksLikeAddress(subject: string): boolean {
  const [local = "", domain = "", ...rest] = subject.split("@");
  return rest.length === 0 && local !== "" && domain !== "" && !subject.includes(" ");
}

/** Tells whether two sets of claims are the same to the tenant. */
export function sameClaims(a: Claims, b: Claims): boolean {
  if (a === b) return true;
  return (
    a.sub === b.sub &&
    a.name === b.name &&
    a.email === b.email &&
    a.email_verified === b.email_verified &&
    sameGroups(a.groups, b.groups)
  );
}

function sameGroups(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((group, at) => group === b[at]);
}
