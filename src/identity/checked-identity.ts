import type { Identity } from "./identity.ts";

/** The longest subject or session id that is taken, in characters. */
const longestName = 256;

/** Half of a character; no two encoders agree on its bytes. */
const loneSurrogate = /\p{Surrogate}/u;

/** Group names are at most 256 characters at the tenant. facts §1.3 */
const longestGroup = 256;

/** So many groups that a token with them still fits into a header of the login. */
const mostGroups = 500;

/**
 * Checks what a host callback returned and copies what is known of it, so that nothing of the host's object is kept.
 *
 * The subject is taken exactly as it is or not at all: a normalised one could be another user's.
 *
 * @throws TypeError naming what is wrong, never the value
 */
export function checkIdentity(value: unknown): Identity | null {
  if (value === null || value === undefined || value === false) return null;
  if (typeof value !== "object") throw new TypeError("identify must return an object or null");
  return standing.has(value) ? (value as Identity) : checkFields(value as Readonly<Record<string, unknown>>);
}

/** Identities that are checked already and cannot change; only sources of ours make them. */
const standing = new WeakSet<object>();

/**
 * Makes an identity that a source of ours gives out again and again: it is checked now, and taken as it is from then on.
 * Earned by: bench 200B.
 *
 * @throws TypeError as {@link checkIdentity}
 */
export function standingIdentity(given: Identity): Identity {
  const identity = checkFields({ ...given });
  if (identity.groups) Object.freeze(identity.groups);
  standing.add(Object.freeze(identity));
  return identity;
}

function checkFields(given: Readonly<Record<string, unknown>>): Identity {
  const subject = name(given["subject"], "subject");
  if (subject === undefined) throw new TypeError("identify returned an identity without subject");
  const checked: Mutable<Identity> = { subject };
  setGiven(checked, "name", text(given["name"], "name"));
  setGiven(checked, "email", text(given["email"], "email"));
  setGiven(checked, "emailVerified", flag(given["emailVerified"]));
  setGiven(checked, "groups", groups(given["groups"]));
  setGiven(checked, "sessionId", name(given["sessionId"], "sessionId"));
  setGiven(checked, "tenant", name(given["tenant"], "tenant"));
  setGiven(checked, "expiresAt", instant(given["expiresAt"], "expiresAt"));
  setGiven(checked, "evidenceAt", instant(given["evidenceAt"], "evidenceAt"));
  setGiven(checked, "claimsAt", instant(given["claimsAt"], "claimsAt"));
  return checked;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function setGiven<K extends keyof Identity>(
  identity: Mutable<Identity>,
  key: K,
  value: Identity[K] | undefined,
): void {
  if (value !== undefined) identity[key] = value;
}

function text(value: unknown, what: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw new TypeError(`${what} must be a string`);
  if (value.length > 1024 || hasControl(value) || loneSurrogate.test(value)) {
    throw new TypeError(`${what} is longer than 1024 characters or holds control characters`);
  }
  return value;
}

function name(value: unknown, what: string): string | undefined {
  const given = text(value, what);
  if (given === undefined) return undefined;
  if (given === "" || given.length > longestName) {
    throw new TypeError(`${what} must have 1 to ${longestName} characters`);
  }
  if (given.trim() !== given) throw new TypeError(`${what} begins or ends with white space`);
  return given;
}

function flag(value: unknown): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "boolean") throw new TypeError("emailVerified must be true or false");
  return value;
}

function groups(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || value.length > mostGroups) {
    throw new TypeError(`groups must be an array of at most ${mostGroups} names`);
  }
  return value.map((each: unknown) => {
    const group = text(each, "a group");
    if (group === undefined || group === "" || group.length > longestGroup) {
      throw new TypeError(`a group must have 1 to ${longestGroup} characters`);
    }
    return group;
  });
}

function instant(value: unknown, what: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  const time = value instanceof Date ? value.getTime() : value;
  if (typeof time !== "number" || !Number.isFinite(time)) {
    throw new TypeError(`${what} must be a Date or milliseconds since 1970`);
  }
  return time;
}

const hasControl = (value: string): boolean => {
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
};
