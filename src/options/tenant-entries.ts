import type { OptionProblem } from "../errors.ts";
import type { Identify } from "../identity/identify.ts";
import { isPlainObject } from "./check-shape.ts";

/** What several tenants of one proxy are told apart by. */
export type MatchKind = "host" | "prefix" | "claim";

const kinds: readonly MatchKind[] = ["host", "prefix", "claim"];

/** One of several tenants, as it was written; whatever is in it may be wrong. */
export type Entry = Readonly<Record<string, unknown>>;

/** Keys of an entry that a single tenant does not have. */
const ownKeys = new Set(["name", "match", "publicOrigin", "policy", "limits"]);

/** Whether a key belongs to the entry, and not to the tenant in it. */
export const isOfEntry = (key: string): boolean => ownKeys.has(key);

/** By what an entry is found; undefined where it does not say. */
export function matchOf({ match }: Entry, kind: MatchKind | null): string | undefined {
  const text = isPlainObject(match) && kind !== null ? match[kind] : undefined;
  return typeof text === "string" ? text : undefined;
}

/** The entries, what they are told apart by, and what is wrong with them beside each other. */
export interface CheckedEntries {
  /** Null where they do not say one and the same. */
  readonly kind: MatchKind | null;
  readonly entries: readonly Entry[];
  /** May be added to. */
  readonly problems: OptionProblem[];
}

/** Checks what is not the affair of one tenant alone. */
export function checkEntries(options: Readonly<Record<string, unknown>>): CheckedEntries {
  const { tenants, tenant } = options;
  const problems: OptionProblem[] = [];
  if (tenant !== undefined)
    problems.push({ path: "tenant", message: "is given beside tenants: move it there" });
  const entries: readonly Entry[] = Array.isArray(tenants) ? tenants.filter(isPlainObject) : [];
  if (!Array.isArray(tenants) || entries.length !== tenants.length || entries.length === 0) {
    problems.push({
      path: "tenants",
      message: "must be a list of tenants, each with name, match and the keys of tenant",
    });
    return { kind: null, entries: [], problems };
  }
  const kind = kindOf(entries, problems);
  checkNames(entries, problems);
  checkOrigins(entries, problems);
  if (kind !== null) {
    checkMatches(entries, kind, problems);
    checkOwnKeys(entries, kind, problems);
    checkShared(options, kind, problems);
  }
  return { kind, entries, problems };
}

/** What all entries are told apart by. */
function kindOf(entries: readonly Entry[], problems: OptionProblem[]): MatchKind | null {
  const found = entries.map(({ match }) => (isPlainObject(match) ? Object.keys(match) : []));
  const [first = ""] = found[0] ?? [];
  const kind = kinds.find((each) => each === first) ?? null;
  for (const [index, keys] of found.entries()) {
    const path = `tenants[${index}].match`;
    if (keys.length !== 1 || !kinds.some((each) => each === keys[0]))
      problems.push({ path, message: "must hold exactly one of host, prefix and claim" });
    else if (kind !== null && keys[0] !== kind)
      problems.push({
        path,
        message: `must be by ${kind}, as tenants[0] is: all tenants are told apart by the same`,
      });
  }
  return kind;
}

function checkNames(entries: readonly Entry[], problems: OptionProblem[]): void {
  const seen = new Map<string, number>();
  for (const [index, { name }] of entries.entries()) {
    const path = `tenants[${index}].name`;
    if (typeof name !== "string" || !/^[A-Za-z0-9][\w.-]{0,62}$/.test(name)) {
      problems.push({ path, message: "must be a name of up to 63 letters, digits, - _ and ." });
      continue;
    }
    const earlier = seen.get(name);
    if (earlier !== undefined) problems.push({ path, message: `is the name of tenants[${earlier}] too` });
    else seen.set(name, index);
  }
}

/** Two entries for one tenant would share its sessions, and the key of the one would sign for the other. */
function checkOrigins(entries: readonly Entry[], problems: OptionProblem[]): void {
  const seen = new Map<string, number>();
  for (const [index, { origin }] of entries.entries()) {
    if (typeof origin !== "string") continue;
    const earlier = seen.get(origin);
    if (earlier === undefined) seen.set(origin, index);
    else
      problems.push({
        path: `tenants[${index}].origin`,
        message: `is the tenant of tenants[${earlier}] already`,
      });
  }
}

/** No two tenants may be found by the same, nor one inside another. */
function checkMatches(entries: readonly Entry[], kind: MatchKind, problems: OptionProblem[]): void {
  const found = entries.map((entry) => matchOf(entry, kind));
  for (const [index, text] of found.entries()) {
    const path = `tenants[${index}].match.${kind}`;
    // One of another kind is refused already.
    if (text === undefined) continue;
    if (text === "" || (kind === "claim" && (text.trim() !== text || text.length > 256))) {
      problems.push({ path, message: `must be ${matchExamples[kind]}` });
      continue;
    }
    const other = found.findIndex((each, at) => at < index && each !== undefined && meet(each, text, kind));
    if (other !== -1)
      problems.push({ path, message: `meets that of tenants[${other}]: a request could mean either` });
  }
}

/** What each kind of match looks like. */
export const matchExamples: Readonly<Record<MatchKind, string>> = {
  host: "a host as browsers write it, such as analytics.example.com, with its port where that is unusual",
  prefix: "a path such as /qlik/acme",
  claim: "a text of 1 to 256 characters without white space around it",
};

function meet(one: string, other: string, kind: MatchKind): boolean {
  if (kind !== "prefix") return one === other;
  const [outer, inner] = [one, other].map((text) => (text.endsWith("/") ? text : `${text}/`)) as [
    string,
    string,
  ];
  return outer.startsWith(inner) || inner.startsWith(outer);
}

function checkOwnKeys(entries: readonly Entry[], kind: MatchKind, problems: OptionProblem[]): void {
  for (const [index, entry] of entries.entries()) {
    const at = `tenants[${index}]`;
    const { publicOrigin, policy } = entry;
    if (publicOrigin !== undefined && kind !== "host")
      problems.push({ path: `${at}.publicOrigin`, message: "is for tenants that are told apart by host" });
    if (policy !== undefined && kind === "claim")
      problems.push({
        path: `${at}.policy`,
        message: "cannot differ by claim: the door judges before it is known who asks",
      });
    const host = matchOf(entry, kind);
    if (kind !== "host" || typeof publicOrigin !== "string" || host === undefined) continue;
    if (URL.canParse(publicOrigin) && new URL(publicOrigin).host !== host)
      problems.push({
        path: `${at}.match.host`,
        message: "must be the host of its publicOrigin, with the port if it has one",
      });
  }
}

/** What each tenant has of its own is not there for all; and who signs people in does it for one tenant. */
function checkShared(
  options: Readonly<Record<string, unknown>>,
  kind: MatchKind,
  problems: OptionProblem[],
): void {
  const own = { host: "publicOrigin", prefix: "prefix", claim: null }[kind];
  if (own !== null && options[own] !== undefined)
    problems.push({
      path: own,
      message: `must be left out: tenants that are told apart by ${kind} have one each`,
    });
  const { identify } = options as { readonly identify?: Partial<Identify> };
  if (kind === "claim" && identify?.openIn !== undefined)
    problems.push({
      path: "identify",
      message:
        "signs people in itself, which it does for one tenant: tell tenants apart by host or by prefix",
    });
}
