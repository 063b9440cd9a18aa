import { type OptionProblem, OptionsError } from "../../errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { checkShape, formatPath, isPlainObject } from "../../options/check-shape.ts";
import type { SessionProxyOptions } from "../../options/session-proxy-options.ts";
import { eachOptions, resolveAll, type SeveralTenantsOptions } from "../../options/several-tenants.ts";
import type { TenantProfile } from "../tenant-profile.ts";
import { decodeUnits } from "./decode.ts";
import { readFileBackedKeys } from "./file-backed.ts";
import { readFileTree } from "./file-tree.ts";
import { checkIdentity } from "./identity-source.ts";
import type { ListenAddress } from "./listen-address.ts";
import { listenerProblems, listenerWarnings, toListeners } from "./listeners.ts";
import { getAt, mergeSettings } from "./merge.ts";
import { configSchema } from "./schema.ts";
import { type Flags, readFlags, readVariables } from "./settings.ts";
import { placeProfile } from "./profile.ts";
import { placeStoreFolder } from "./store-folder.ts";
import { tlsProblems } from "./tls-files.ts";
import { type ProxyOptions, toLibraryOptions, toWrittenPath, withReadKeys } from "./to-library-options.ts";

/** What the standalone server runs with. */
export interface ServerConfig {
  /** The public listener. */
  readonly listen: ListenAddress;
  /** Processes that serve it, as `serve` starts them; 1 by default. */
  readonly workers?: number;
  /** Certificate chain and private key in PEM; plain HTTP without. */
  readonly tls?: { readonly cert: string; readonly key: string | Secret };
  /** Whether the public listener speaks HTTP/2 beside HTTP/1.1, which takes `tls`; false by default. */
  readonly http2?: boolean;
  /** The private listener; none by default. */
  readonly admin?: AdminConfig;
  /** The listener for an edge that asks for verdicts and credentials; none by default. */
  readonly edge?: EdgeConfig;
  /** What the proxy runs with. */
  readonly options: SessionProxyOptions | SeveralTenantsOptions;
  /** What `doctor --learn` found out of the tenant; the local tenant behaves as it says. */
  readonly profile?: TenantProfile;
  /** How long a drain serves on as if nothing were, and how long what is in flight may then take. Milliseconds. */
  readonly drain: { readonly delay: number; readonly deadline: number };
}

/** The private listener: probes for everybody who reaches it, everything else for those who hold the token. */
export interface AdminConfig {
  readonly listen: ListenAddress;
  /** What the operator's tools send as a bearer token; without it there are the probes alone. */
  readonly token?: Secret;
  /** The key of the signed webhook; the token by default. */
  readonly webhookSecret?: Secret;
}

/** The listener that hands out credentials, for those who hold its token and for nothing else. rules R10 */
export interface EdgeConfig {
  readonly listen: ListenAddress;
  readonly token: Secret;
}

/** Where a configuration comes from; flags win over variables, variables over the file. */
export interface ConfigSources {
  /** YAML or JSON; everything may also come from the other two. */
  readonly file?: string;
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  readonly flags?: Flags;
}

/** A configuration without problems. */
export interface LoadedConfig {
  readonly config: ServerConfig;
  /** What works, but should not stay so. */
  readonly warnings: readonly OptionProblem[];
  /**
   * The whole configuration as one text, secrets included, for processes that cannot read the files again; null where there
   * is one process.
   */
  readonly parcel: Secret | null;
}

/**
 * Reads the configuration of the standalone server.
 *
 * @throws OptionsError once, with every problem of file, variables and flags in it.
 */
export function loadServerConfig(sources: ConfigSources): LoadedConfig {
  const file = sources.file === undefined ? { tree: {}, problems: [] } : readFileTree(sources.file);
  const variables = readVariables(sources.environment);
  const flags = readFlags(sources.flags ?? {});
  const unread = [...file.problems, ...variables.problems, ...flags.problems];
  // Without the file, everything that it holds would be reported as missing.
  if (file.problems.length > 0) throw new OptionsError(unread);
  const settings = [...variables.settings, ...flags.settings];
  const merged = mergeSettings(file.tree, settings);
  const decoded = decodeUnits(configSchema, merged.tree);
  const tree = decoded.tree as Record<string, unknown>;
  const backed = readFileBackedKeys({ tree, fileTree: file.tree, configFile: sources.file, settings });
  placeStoreFolder({ tree, configFile: sources.file, settings });
  const found = placeProfile({ tree, configFile: sources.file, settings });
  const parsed = parse(tree, { environment: sources.environment, writtenAt: backed.writtenAt });
  const problems = collect(
    [...unread, ...decoded.problems, ...backed.problems, ...found.problems, ...parsed.problems],
    merged.sources,
  );
  if (problems.length > 0 || parsed.config === undefined) throw new OptionsError(problems);
  return {
    config: { ...parsed.config, ...(found.profile === undefined ? {} : { profile: found.profile }) },
    warnings: [...backed.warnings, ...parsed.warnings],
    parcel: isForWorkers(parsed.config) ? new Secret(JSON.stringify(tree)) : null,
  };
}

/** Who serves alone has no use for the texts of the keys any more. attacks L1 */
const isForWorkers = ({ workers = 1 }: ServerConfig): boolean => workers > 1;

/** Opens the parcel of a configuration that was read by another process. @throws OptionsError */
export function openParcel(parcel: Secret, environment: Readonly<NodeJS.ProcessEnv>): ServerConfig {
  const tree = JSON.parse(parcel.reveal()) as Record<string, unknown>;
  const { config, problems } = parse(tree, { environment, writtenAt: new Map() });
  if (config === undefined) throw new OptionsError(problems);
  return config;
}

/** What a tree means, with the contents of its files in it. */
interface Parsed {
  /** Undefined where there are problems. */
  readonly config: ServerConfig | undefined;
  readonly problems: readonly OptionProblem[];
  readonly warnings: readonly OptionProblem[];
}

interface ParseOptions {
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** The place where the operator wrote a text, by the place of the text itself. */
  readonly writtenAt: ReadonlyMap<string, string>;
}

function parse(tree: Record<string, unknown>, { environment, writtenAt }: ParseOptions): Parsed {
  const asWritten = ({ path, message }: OptionProblem): OptionProblem => ({
    path: toWrittenPath(path, writtenAt),
    message,
  });
  const shape = checkShape(configSchema, tree);
  const identity = checkIdentity(tree);
  const options = toLibraryOptions(tree, identity);
  const resolved = resolve(options, environment);
  const problems = [
    ...shape.problems,
    ...missingProblems(tree),
    ...severalProblems(tree),
    ...[
      ...(shape.output === undefined ? [] : listenerProblems(shape.output, tree["tenant"])),
      ...identity.problems,
      ...tlsProblems(tree["tls"]),
      ...resolved.problems,
    ].map(asWritten),
  ];
  if (problems.length > 0 || shape.output === undefined) return { config: undefined, problems, warnings: [] };
  return {
    config: { ...toListeners(shape.output), options: withReadKeys(options), drain: resolved.drain },
    problems,
    warnings: [
      ...identity.warnings,
      ...listenerWarnings(shape.output, tree["identity"]),
      ...resolved.warnings.map(asWritten),
    ],
  };
}

/** Keys that are needed, unless there are several tenants, which bring their own. */
function missingProblems(tree: Readonly<Record<string, unknown>>): readonly OptionProblem[] {
  const { publicOrigin, tenant, tenants } = tree;
  const isByHost =
    Array.isArray(tenants) && tenants.some((each) => getAt(each, ["match", "host"]) !== undefined);
  return [
    ...(publicOrigin === undefined && !isByHost ? ["publicOrigin"] : []),
    ...(tenant === undefined && tenants === undefined ? ["tenant"] : []),
  ].map((path) => ({ path, message: "is missing" }));
}

/** What several tenants ask of the keys around them. */
function severalProblems(tree: Readonly<Record<string, unknown>>): readonly OptionProblem[] {
  const { tenants, identity, edge } = tree;
  if (!Array.isArray(tenants)) return [];
  const problems: OptionProblem[] = [];
  if (edge !== undefined) problems.push({ path: "edge", message: "is for one tenant, not for tenants" });
  const isByClaim = tenants.some((each) => getAt(each, ["match", "claim"]) !== undefined);
  const [source] = isPlainObject(identity) ? Object.keys(identity) : [];
  if (!isByClaim || source === undefined || source === "oidc") return problems;
  const path = ["identity", source, ...(source === "trustedHeader" ? [] : ["claims"]), "tenant"];
  if (getAt(tree, path) === undefined) {
    const what = source === "trustedHeader" ? "header" : "claim";
    problems.push({
      path: formatPath(path),
      message: `is missing: which ${what} holds what match.claim says?`,
    });
  }
  return problems;
}

interface Resolved {
  readonly problems: readonly OptionProblem[];
  readonly warnings: readonly OptionProblem[];
  readonly drain: ServerConfig["drain"];
}

/** Lets the library check its part, with the same words as for a program that calls it. */
function resolve(options: ProxyOptions, environment: Readonly<NodeJS.ProcessEnv>): Resolved {
  try {
    const resolved = resolveAll(options, environment);
    const [{ timeouts } = { timeouts: { drainDelay: 0, drain: 0 } }] = eachOptions(resolved);
    const { warnings } = resolved;
    return { problems: [], warnings, drain: { delay: timeouts.drainDelay, deadline: timeouts.drain } };
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    return { problems: error.problems, warnings: [], drain: { delay: 0, deadline: 0 } };
  }
}

/** One problem for each place, the first one, with the variable or flag that the value came from. */
function collect(
  problems: readonly OptionProblem[],
  sources: ReadonlyMap<string, string>,
): readonly OptionProblem[] {
  const seen = new Set<string>();
  return problems
    .filter(({ path }) => !seen.has(path) && seen.add(path))
    .map(({ path, message }) => {
      const source = sources.get(path);
      return source === undefined ? { path, message } : { path, message: `${message} (from ${source})` };
    });
}
