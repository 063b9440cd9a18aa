import { type OptionProblem, OptionsError } from "../errors.ts";
import type { Identify } from "../identity/identify.ts";
import { isPlainObject } from "./check-shape.ts";
import type { ResolvedOptions } from "./resolved-options.ts";
import {
  type LimitOptions,
  type PolicyOptions,
  resolveOptions,
  type SessionProxyOptions,
} from "./session-proxy-options.ts";
import type { TenantOptions } from "./tenant-options.ts";
import {
  checkEntries,
  type Entry,
  isOfEntry,
  matchExamples,
  matchOf,
  type MatchKind,
} from "./tenant-entries.ts";

/** How requests find a tenant: all tenants of a proxy are told apart in the same way, and by exact matches alone. */
export type TenantMatch =
  /** The host that the browser names, with its port where that is unusual. */
  | { readonly host: string }
  /** The path below which the tenant lives. */
  | { readonly prefix: string }
  /** What the identity says in `tenant`. */
  | { readonly claim: string };

/** One of several tenants: what a single tenant is, how requests find it, and what is its own. */
export type OneOfTenants = TenantOptions & OwnOfTenants;

/** What is said of a tenant only where it is one of several. */
export interface OwnOfTenants {
  /** Letters, digits, `-`, `_` and `.`; metrics and lists of sessions say it. */
  readonly name: string;
  readonly match: TenantMatch;
  /** With `match.host`: origin that the browser sees; `https://` and the host by default. */
  readonly publicOrigin?: string;
  /** In the place of the policy of all, but for `match.claim`. */
  readonly policy?: PolicyOptions;
  /** Each in the place of the limit of all. */
  readonly limits?: LimitOptions;
}

/** What `createSessionProxy` takes for more than one tenant. */
export interface SeveralTenantsOptions extends Omit<SessionProxyOptions, "tenant"> {
  /** Each tenant once; none of them knows of the others. */
  readonly tenants: readonly OneOfTenants[];
}

/** One of several tenants after defaults and checks. */
export interface ResolvedTenant {
  readonly name: string;
  /** Host, prefix or claim. */
  readonly match: string;
  readonly options: ResolvedOptions;
}

/** Several tenants after defaults and checks. */
export interface ResolvedTenants {
  readonly by: MatchKind;
  readonly tenants: readonly [ResolvedTenant, ...ResolvedTenant[]];
  /** The source of all. */
  readonly identify: Identify;
  /** What works, but should not stay so. */
  readonly warnings: readonly OptionProblem[];
}

/** Whether options are for several tenants; also where they are wrong. */
export const areForSeveral = (
  options: SessionProxyOptions | SeveralTenantsOptions,
): options is SeveralTenantsOptions => isPlainObject(options) && options["tenants"] !== undefined;

/** Checks the options of one tenant or of several. @throws OptionsError once, with every problem in it */
export function resolveAll(
  options: SessionProxyOptions | SeveralTenantsOptions,
  environment: Readonly<NodeJS.ProcessEnv> = process.env,
): ResolvedOptions | ResolvedTenants {
  return areForSeveral(options) ? resolveTenants(options, environment) : resolveOptions(options, environment);
}

/** Names of the tenants; none where there is one without a name. */
export const namesOf = (options: SessionProxyOptions | SeveralTenantsOptions): readonly string[] =>
  areForSeveral(options) ? options.tenants.map(({ name }) => name) : [];

/** What a proxy for one of the tenants alone would be given; the first, unless one is named. @throws OptionsError */
export function optionsForOne(
  options: SessionProxyOptions | SeveralTenantsOptions,
  wanted?: string,
): SessionProxyOptions {
  const names = namesOf(options);
  if (wanted !== undefined && !names.includes(wanted)) {
    const message =
      names.length === 0
        ? "is for a configuration with several tenants"
        : `must be one of ${names.join(", ")}`;
    throw new OptionsError([{ path: "--tenant", message }]);
  }
  if (!areForSeveral(options)) return options;
  const { kind, entries } = checkEntries(options as unknown as Readonly<Record<string, unknown>>);
  const entry = entries.find(({ name }) => name === (wanted ?? names[0]));
  return optionsOf(options, entry ?? {}, kind);
}

/** The options of each tenant, or of the only one. */
export const eachOptions = (resolved: ResolvedOptions | ResolvedTenants): readonly ResolvedOptions[] =>
  "tenants" in resolved ? resolved.tenants.map(({ options }) => options) : [resolved];

function resolveTenants(
  options: SeveralTenantsOptions,
  environment: Readonly<NodeJS.ProcessEnv>,
): ResolvedTenants {
  const { kind, entries, problems } = checkEntries(options as unknown as Readonly<Record<string, unknown>>);
  const warnings: OptionProblem[] = [];
  const tenants = entries.flatMap((entry, index): readonly ResolvedTenant[] => {
    const inPlace = (each: OptionProblem): OptionProblem => placed(each, { entry, index, kind });
    try {
      const resolved = resolveOptions(optionsOf(options, entry, kind), environment);
      warnings.push(...resolved.warnings.map(inPlace));
      return [{ name: String(entry["name"]), match: matchOf(entry, kind) ?? "", options: resolved }];
    } catch (error) {
      if (!(error instanceof OptionsError)) throw error;
      problems.push(...error.problems.map(inPlace));
      return [];
    }
  });
  const [first, ...others] = tenants;
  if (first !== undefined && others.length > 0) checkSignIn(first.options, problems);
  if (problems.length > 0 || first === undefined || kind === null) throw new OptionsError(once(problems));
  return Object.freeze({
    by: kind,
    tenants: [first, ...others] as const,
    identify: first.options.identify,
    warnings: once(warnings),
  });
}

/** Kept in memory, who is signed in would be known to one tenant alone: an order to sign them out would not reach the others. */
function checkSignIn({ identify, store }: ResolvedOptions, problems: OptionProblem[]): void {
  if (identify.openIn === undefined || store.kind !== "memory") return;
  problems.push({
    path: "store",
    message:
      "is memory, of which each tenant has its own: a log-out at the provider would end the sessions of one tenant alone. Use a file: or redis: store",
  });
}

/** What is the same for all tenants is wrong once. */
const once = (problems: readonly OptionProblem[]): readonly OptionProblem[] =>
  [...new Map([...problems].reverse().map((each) => [each.path, each])).values()].reverse();

/** The options of a proxy for one of the tenants alone. */
function optionsOf(
  options: SeveralTenantsOptions,
  entry: Entry,
  kind: MatchKind | null,
): SessionProxyOptions {
  const { tenants: _all, ...shared } = options;
  const match = matchOf(entry, kind);
  const own = {
    tenant: Object.fromEntries(Object.entries(entry).filter(([key]) => !isOfEntry(key))),
    ...(kind === "prefix" && match !== undefined ? { prefix: match } : {}),
    ...(kind === "host" ? { publicOrigin: entry["publicOrigin"] ?? `https://${match}` } : {}),
    ...(entry["policy"] === undefined ? {} : { policy: entry["policy"] }),
    ...(isPlainObject(entry["limits"]) ? { limits: { ...shared.limits, ...entry["limits"] } } : {}),
  };
  return { ...shared, ...own } as unknown as SessionProxyOptions;
}

interface Place {
  readonly entry: Entry;
  readonly index: number;
  readonly kind: MatchKind | null;
}

/** Where the operator wrote what the options of one tenant call by another name. */
function placed({ path, message }: OptionProblem, { entry, index, kind }: Place): OptionProblem {
  const at = `tenants[${index}]`;
  const [group = "", key = ""] = path.split(/[.[]/, 2);
  if (group === "tenant") return { path: at + path.slice(group.length), message };
  if (path === "prefix" && kind === "prefix") return { path: `${at}.match.prefix`, message };
  if (path === "publicOrigin" && kind === "host")
    return entry["publicOrigin"] === undefined
      ? { path: `${at}.match.host`, message: `must be ${matchExamples.host}` }
      : { path: `${at}.${path}`, message };
  const own = entry[group];
  const isOwn =
    (group === "policy" && own !== undefined) ||
    (group === "limits" && isPlainObject(own) && Object.hasOwn(own, key));
  return { path: isOwn ? `${at}.${path}` : path, message };
}
