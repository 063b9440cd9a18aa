import { dirname, resolve } from "node:path";
import type { OptionProblem } from "../../errors.ts";
import { readTenantProfile, type TenantProfile } from "../tenant-profile.ts";
import { formatPath } from "../../options/check-shape.ts";
import { getAt, setAt } from "./merge.ts";
import type { ConfigPath } from "./names.ts";
import type { Setting } from "./settings.ts";

/** What is needed to find the profile of a tenant. */
export interface ProfileSources {
  /** With durations in milliseconds. Changed: gets the tenant's own limits where nothing else says them. */
  readonly tree: Record<string, unknown>;
  readonly configFile: string | undefined;
  readonly settings: readonly Setting[];
}

/** The profile that a configuration names, and what is wrong with it. */
export interface FoundProfile {
  readonly profile?: TenantProfile;
  readonly problems: readonly OptionProblem[];
}

/** A tenant of a configuration. */
type TenantPath = readonly ["tenant"] | readonly ["tenants", number];

/** Milliseconds. */
const minute = 60_000;

/** Reads the profiles that `doctor --learn` has written; their limits stand in for those that are not configured. */
export function placeProfile(sources: ProfileSources): FoundProfile {
  const tenants = getAt(sources.tree, ["tenants"]);
  const places: readonly TenantPath[] = Array.isArray(tenants)
    ? [...tenants.keys()].map((index) => ["tenants", index] as const)
    : [["tenant"]];
  const found = places.map((place) => placeOne(sources, place));
  // The local tenant is one; of several, it behaves as the first.
  const profile = found.find((each) => each.profile !== undefined)?.profile;
  const problems = found.flatMap((each) => each.problems);
  return profile === undefined ? { problems } : { profile, problems };
}

function placeOne({ tree, configFile, settings }: ProfileSources, tenant: TenantPath): FoundProfile {
  const path = [...tenant, "profileFile"];
  const name = getAt(tree, path);
  if (typeof name !== "string" || name === "") return { problems: [] };
  const fromOutside = settings.some((setting) => formatPath(setting.path) === formatPath(path));
  const folder = fromOutside || configFile === undefined ? resolve() : resolve(dirname(configFile));
  const read = readTenantProfile(resolve(folder, name));
  if ("problem" in read)
    return { problems: [{ path: formatPath(path), message: `names a file that ${read.problem}` }] };
  const { limits } = read.profile;
  if (limits !== null) {
    fill(tree, [...tenant, "sessionIdle"], limits.idleMinutes * minute);
    fill(tree, [...tenant, "sessionLifetime"], limits.lifetimeMinutes * minute);
  }
  return { profile: read.profile, problems: [] };
}

function fill(tree: Record<string, unknown>, path: ConfigPath, value: number): void {
  if (getAt(tree, path) === undefined) setAt(tree, path, value);
}
