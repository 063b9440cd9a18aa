import { toGroups } from "./groups.ts";
import type { Identity } from "./identity.ts";

/** Which member of a token, or of a JSON answer, holds which part of the identity. */
export interface ClaimNames {
  readonly subject: string;
  readonly name: string;
  readonly email: string;
  readonly emailVerified: string;
  readonly groups: string;
  readonly sessionId: string;
  /** Which tenant the person belongs to; not looked at without it. */
  readonly tenant?: string;
  /** What stands between two groups where they are one text; without it they have to be an array. */
  readonly groupsSeparator?: string;
}

/** The names that OpenID Connect gives them. @see OpenID Connect Core §5.1 */
export const openIdClaims: ClaimNames = {
  subject: "sub",
  name: "name",
  email: "email",
  emailVerified: "email_verified",
  groups: "groups",
  sessionId: "sid",
};

/** The identity in some claims, or why there is none; the reason names claims, never their values. */
export type MappedClaims = { readonly identity: Identity } | { readonly problem: string };

/** Takes the identity out of claims. A part that is missing or null is left out; a subject has to be there. */
export function mapClaims(claims: Readonly<Record<string, unknown>>, names: ClaimNames): MappedClaims {
  const identity: { -readonly [K in keyof Identity]?: Identity[K] } = {};
  for (const part of ["subject", "name", "email", "sessionId", "tenant"] as const) {
    const claim = names[part];
    const value = claim === undefined ? undefined : claimAt(claims, claim);
    if (value === undefined) continue;
    if (typeof value !== "string") return { problem: `"${claim}" is not a text` };
    if (value !== "") identity[part] = value;
  }
  const { subject } = identity;
  if (subject === undefined) return { problem: `"${names.subject}", the subject, is missing` };
  const verified = claimAt(claims, names.emailVerified);
  // Some providers write it as a text. Everything but a plain yes is a no.
  if (verified !== undefined) identity.emailVerified = verified === true || verified === "true";
  const given = claimAt(claims, names.groups);
  if (given !== undefined) {
    const groups = toGroups(given, names.groupsSeparator);
    // Losing the groups silently would give the user other data than was meant.
    if (groups === null)
      return { problem: `"${names.groups}" is not an array of texts; give one, or set groupsSeparator` };
    identity.groups = groups;
  }
  return { identity: { ...identity, subject } };
}

/** A member by its own name, which may hold dots, or by the names on the way to it: `realm_access.roles`. */
function claimAt(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name] ?? undefined;
  const way = name.split(".");
  if (way.length < 2) return undefined;
  return way.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null && Object.hasOwn(at, key)
        ? ((at as Readonly<Record<string, unknown>>)[key] ?? undefined)
        : undefined,
    claims,
  );
}
