import type { IncomingMessage } from "node:http";
import { type OptionProblem, OptionsError, SessionProxyError } from "../errors.ts";
import { type AddressRange, createAddressSet, parseAddressRange, edgePeer } from "./address-set.ts";
import { Memo } from "../kernel/memo.ts";
import { standingIdentity } from "./checked-identity.ts";
import { toGroups } from "./groups.ts";
import type { Identity } from "./identity.ts";

/** Which headers say who the user is, and whose word counts. */
export interface TrustedHeaderOptions {
  /**
   * Addresses and CIDR ranges of the socket peers that are believed, never every address; `edge:` for an edge that asks
   * at the edge listener, whose own address does not count.
   */
  readonly from: readonly string[];
  /** Name of the header with the subject. */
  readonly subject: string;
  readonly name?: string;
  readonly email?: string;
  /** Name of the header that says `true` or `false`. */
  readonly emailVerified?: string;
  /** Name of the header with the groups: a JSON array of texts, unless `groupsSeparator` is given. */
  readonly groups?: string;
  /** What stands between two groups; directory names hold commas, so there is no default. */
  readonly groupsSeparator?: string;
  readonly sessionId?: string;
  /** Name of the header with the tenant. */
  readonly tenant?: string;
}

/** Reads the identity from a request; null for a request that carries none or whose peer is not believed. */
export interface TrustedHeaderIdentify {
  (request: IncomingMessage): Identity | null;
  /** Lower-case names of the headers that only believed peers may send; they never travel on to the tenant. */
  readonly headerNames: readonly string[];
}

/** People whose identity is remembered, as long as what is said of each is short. */
const knownPeople = 10_000;

const headerKeys = ["subject", "name", "email", "emailVerified", "groups", "sessionId", "tenant"] as const;
type HeaderKey = (typeof headerKeys)[number];

/** The longest value of a header that becomes part of an identity, in characters. */
const longestValue = 1024;

/** The longest subject and session id, in characters. @see Identity */
const longestId = 256;

/**
 * Makes an identity source out of headers that a front door sets after it has signed the user in.
 *
 * Only the socket's own peer is asked for, never a forwarding header. A header that comes twice, bytes that are not
 * UTF-8, control characters and empty or overlong subjects make the request anonymous.
 *
 * @throws OptionsError for an address range or a header name that cannot be used.
 */
export function createTrustedHeaderIdentify(options: TrustedHeaderOptions): TrustedHeaderIdentify {
  const { problems, ranges } = checkTrustedHeader(options);
  if (problems.length > 0) throw new OptionsError(problems);
  const isInRange = createAddressSet(ranges);
  const believesEdge = options.from.includes(edgePeer);
  const believed = (peer: string | undefined): boolean =>
    isInRange(peer) || (believesEdge && peer === edgePeer);
  const keys = new Map<string, HeaderKey>();
  for (const key of headerKeys) {
    const name = options[key];
    if (name !== undefined) keys.set(name.toLowerCase(), key);
  }
  const lengths = new Set([...keys.keys()].map(({ length }) => length));
  // Earned by: bench 200B. Most names differ in their length already.
  const keyOf = (name: string): HeaderKey | undefined =>
    lengths.has(name.length) ? keys.get(name.toLowerCase()) : undefined;
  // Earned by: bench 200B. The same few people ask again and again.
  const known = new Memo<Identity>(knownPeople);
  const identify = (request: IncomingMessage): Identity | null => {
    if (!believed(request.socket.remoteAddress)) return null;
    const values = readValues(request.rawHeaders, keyOf);
    if (values === null) return null;
    // No value holds a control character, so no two people are the same text.
    const person = headerKeys.map((key) => values[key] ?? "").join("\n");
    const before = known.get(person);
    if (before !== undefined) return before;
    const identity = toIdentity(values, options.groupsSeparator);
    return identity && known.keep(person, standingIdentity(identity));
  };
  return Object.assign(identify, { headerNames: Object.freeze([...keys.keys()]) });
}

/** Checks the options of the source; paths are below the source's own place in a configuration. */
export function checkTrustedHeader(
  options: Pick<TrustedHeaderOptions, "from"> & Partial<TrustedHeaderOptions>,
): {
  readonly problems: readonly OptionProblem[];
  readonly ranges: readonly AddressRange[];
} {
  const problems: OptionProblem[] = [];
  const ranges: AddressRange[] = [];
  if (options.from.length === 0) {
    problems.push({ path: "from", message: "must name the peers whose word counts, such as 127.0.0.1/32" });
  }
  for (const [index, text] of options.from.entries()) {
    if (text === edgePeer) continue;
    const range = parseAddressRange(text);
    const path = `from[${index}]`;
    if (range === null) problems.push({ path, message: "is not an address or a CIDR range" });
    else if (range.bits === 0) problems.push({ path, message: "would believe every peer" });
    else ranges.push(range);
  }
  const taken = new Set<string>();
  for (const key of headerKeys) {
    const name = options[key];
    if (name === undefined) continue;
    const isTaken = taken.has(name.toLowerCase());
    const problem = headerNameProblem(name) ?? (isTaken ? otherPart : null);
    if (problem !== null) problems.push({ path: key, message: problem });
    taken.add(name.toLowerCase());
  }
  return { problems, ranges };
}

/** Headers that every client sends, or that decide about framing and origin: never a place for an identity. */
const unusableNames = new Set([
  "host",
  "origin",
  "connection",
  "content-length",
  "transfer-encoding",
  "upgrade",
]);

const otherPart = "is the header of another part of the identity already";

/** Why a header cannot carry an identity, or what it is told by; null where it can. */
export function headerNameProblem(name: string): string | null {
  const lower = name.toLowerCase();
  // Without underscores, because a front door may turn "-" and "_" into one another. CVE-2025-64484
  if (!/^[a-z0-9-]{1,128}$/.test(lower)) return 'is not a header name of letters, digits and "-"';
  return unusableNames.has(lower) ? "is a header with a meaning of its own in HTTP" : null;
}

/** Collects the named headers as text; null as soon as one comes twice or is not clean text. */
function readValues(
  rawHeaders: readonly string[],
  keyOf: (name: string) => HeaderKey | undefined,
): Values | null {
  const values: Values = {};
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const key = keyOf(rawHeaders[index] ?? "");
    if (key === undefined) continue;
    const value = decodeValue(rawHeaders[index + 1] ?? "");
    if (value === null || values[key] !== undefined) return null;
    values[key] = value;
  }
  return values;
}

/** The values of the named headers; one that is there and empty is "". */
type Values = { [K in HeaderKey]?: string };

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Node gives header bytes as latin1; an accent read that way would be another subject and another licence. */
function decodeValue(latin1: string): string | null {
  // What is plain ASCII is itself, however it is read.
  if (/^[\x20-\x7e]*$/.test(latin1)) return latin1;
  try {
    const value = strictUtf8.decode(Buffer.from(latin1, "latin1"));
    return /\p{Cc}|[\u2028\u2029]/u.test(value) ? null : value;
  } catch {
    return null;
  }
}

function toIdentity(values: Values, separator: string | undefined): Identity | null {
  const { subject, sessionId, tenant, name, email, emailVerified } = values;
  if (!subject || !isId(subject)) return null;
  if ((sessionId && !isId(sessionId)) || (tenant && !isId(tenant))) return null;
  if ((name?.length ?? 0) > longestValue || (email?.length ?? 0) > longestValue) return null;
  const groups = values.groups ? groupsInHeader(values.groups, separator) : undefined;
  const identity: { -readonly [K in keyof Identity]: Identity[K] } = { subject };
  if (name) identity.name = name;
  if (email) identity.email = email;
  if (emailVerified) identity.emailVerified = toBoolean(emailVerified);
  if (groups !== undefined) identity.groups = groups;
  if (sessionId) identity.sessionId = sessionId;
  if (tenant) identity.tenant = tenant;
  return identity;
}

/** What front doors send where they had nothing to fill in. */
const emptyWords = new Set(["-", "(null)", "null", "undefined"]);

/** The words of a placeholder that was not filled in: `{http.auth.user}`, `%{REMOTE_USER}e`, `$remote_user`, `${user}`. */
const placeholder = /^(?:\{[\w.$-]+\}|%\{[^{}]*\}\w*|\$(?:\w+|\{\w+\}))$/;

/**
 * HTTP takes white space off the ends; what Unicode adds to it would make look-alikes. attacks A7. Where a front door says
 * that there is nobody, everybody who is not signed in would be that one user.
 */
const isId = (value: string): boolean =>
  value.length <= longestId && value.trim() === value && !emptyWords.has(value) && !placeholder.test(value);

/** Everything but a plain yes is a no: a front door that says "unknown" has not verified the address. */
const toBoolean = (value: string): boolean => value.toLowerCase() === "true" || value === "1";

function groupsInHeader(value: string, separator: string | undefined): readonly string[] {
  const groups = toGroups(separator === undefined ? parseJson(value) : value, separator);
  if (groups !== null) return groups;
  // Losing the groups silently would give the user other data than the front door meant.
  throw new SessionProxyError("QSP-IDENTITY", {
    reason: "the header with the groups is not a JSON array of texts; send one, or set groupsSeparator",
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
