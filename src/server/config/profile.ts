import { dirname, resolve } from "node:path";
import type { OptionProblem } from "../../errors.ts";
import { readTenantProfile, type TenantProfile } from "../tenant-profile.ts";
import { getAt, setAt } from "./merge.ts";
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

const path = ["tenant", "profileFile"] as const;

/** Milliseconds. */
const minute = 60_000;

/** Reads the profile that `doctor --learn` has written; its limits stand in for those that are not configured. */
export function placeProfile({ tree, configFile, settings }: ProfileSources): FoundProfile {
  const name = getAt(tree, path);
  if (typeof name !== "string" || name === "") return { problems: [] };
  const fromOutside = settings.some((setting) => setting.path.join(".") === path.join("."));
  const folder = fromOutside || configFile === undefined ? resolve() : resolve(dirname(configFile));
  const read = readTenantProfile(resolve(folder, name));
  if ("problem" in read)
    return { problems: [{ path: path.join("."), message: `names a file that ${read.problem}` }] };
  const { limits } = read.profile;
  if (limits !== null) {
    fill(tree, "sessionIdle", limits.idleMinutes * minute);
    fill(tree, "sessionLifetime", limits.lifetimeMinutes * minute);
  }
  return { profile: read.profile, problems: [] };
}

function fill(tree: Record<string, unknown>, key: string, value: number): void {
  if (getAt(tree, ["tenant", key]) === undefined) setAt(tree, ["tenant", key], value);
}
