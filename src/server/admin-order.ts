import { checkIdentity } from "../identity/checked-identity.ts";
import { isPlainObject } from "../options/check-shape.ts";
import { type Milliseconds, parseDuration } from "../options/duration.ts";
import { malformed } from "./admin-answer.ts";

/** What is to be ended: everything of a subject, or the session of one key. */
export type RevokeOrder =
  | {
      readonly subject: string;
      /** For how long no new session of the subject begins; 0 for not at all. */
      readonly blockFor: Milliseconds;
    }
  | { readonly key: string };

/** A block is for a moment of danger; who may never come back is taken out of the host app. Milliseconds. */
const longestBlock = 365 * 86_400_000;

/** Checks an order, whichever way it came. @throws AdminRefusal 400 */
export function toRevokeOrder(given: Readonly<Record<string, unknown>>): RevokeOrder {
  const { subject, key, blockFor } = given;
  if ((subject === undefined) === (key === undefined)) throw malformed("name exactly one of subject and key");
  if (key === undefined) return { subject: toSubject(subject), blockFor: toBlockFor(blockFor) };
  if (blockFor !== undefined) throw malformed("blockFor goes with subject: a key has nobody to keep out");
  return { key: toKey(key) };
}

/** A subject that a host could have named. @throws AdminRefusal 400 */
export function toSubject(value: unknown): string {
  try {
    const identity = checkIdentity({ subject: value });
    if (identity !== null) return identity.subject;
  } catch (error) {
    if (error instanceof TypeError) throw malformed(error.message);
    throw error;
  }
  throw malformed("subject must be text");
}

/** A session key in full. @throws AdminRefusal 400 */
export function toKey(value: unknown): string {
  if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value)) return value;
  throw malformed("key must be 64 hex digits, as GET /sessions shows it");
}

function toBlockFor(value: unknown): Milliseconds {
  if (value === undefined) return 0;
  const duration = typeof value === "string" ? parseDuration(value) : null;
  if (duration !== null && duration <= longestBlock) return duration;
  throw malformed("blockFor must be a duration of up to 365d such as 10m: a number and ms, s, m, h or d");
}

/** Fields of an event that say what it is about, and nothing that is to be done. */
const describing: readonly string[] = ["type", "timestamp"];
const members: readonly string[] = ["subject", "key", "blockFor"];

/** Reads the body of an event. @throws AdminRefusal 400 */
export function parseOrder(body: Buffer): RevokeOrder {
  const value = parseJson(body);
  if (!isPlainObject(value)) throw malformed("the body must be a JSON object");
  // A misspelt blockFor would let somebody in again, so that nothing is passed over.
  if (Object.keys(value).some((name) => !members.includes(name) && !describing.includes(name))) {
    throw malformed(`the body may hold ${[...members, ...describing].join(", ")}, and nothing else`);
  }
  return toRevokeOrder(value);
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw malformed("the body must be JSON in UTF-8");
  }
}

/** Reads a query that may hold some names once each. @throws AdminRefusal 400 */
export function parseQuery(text: string, names: readonly string[]): Readonly<Record<string, string>> {
  const query: Record<string, string> = {};
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = equals === -1 ? pair : pair.slice(0, equals);
    if (!names.includes(name)) throw malformed(`the query may hold ${names.join(", ")}, and nothing else`);
    if (Object.hasOwn(query, name)) throw malformed(`${name} is given more than once`);
    query[name] = decode(name, equals === -1 ? "" : pair.slice(equals + 1));
  }
  return query;
}

function decode(name: string, text: string): string {
  // Forms mean a space, people mean a plus: the wrong guess would end somebody else's sessions, or nobody's.
  if (text.includes("+")) throw malformed(`${name} holds a bare plus: write %2B for a plus, %20 for a space`);
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed(`${name} is not percent-encoded UTF-8`);
  }
}
