import type { OptionProblem } from "../../../errors.ts";
import type { ClaimNames } from "../../../identity/claim-mapping.ts";
import type { Identify } from "../../../identity/identify.ts";

/** One identity source of a configuration, and what is wrong with it. */
export interface CheckedSource {
  /** Undefined as long as there are problems. */
  readonly identify?: Identify | undefined;
  /** Names of the headers that it reads; they never travel to the tenant. */
  readonly headerNames?: readonly string[];
  /** With whole paths, `identity.…` included. */
  readonly problems: readonly OptionProblem[];
  readonly warnings?: readonly OptionProblem[];
}

/**
 * Makes a source out of its own keys, whose shape may still be wrong; names and types are the schema's to judge. `tree` is
 * the whole configuration.
 */
export type CheckSource = (
  keys: Readonly<Record<string, unknown>>,
  tree: Readonly<Record<string, unknown>>,
) => CheckedSource;

/** The keys of `names` that hold a text. */
export const pickTexts = <Name extends string>(
  source: Readonly<Record<string, unknown>>,
  names: readonly Name[],
): Partial<Record<Name, string>> =>
  Object.fromEntries(
    names.filter((name) => typeof source[name] === "string").map((name) => [name, source[name]]),
  ) as Partial<Record<Name, string>>;

/** The texts of a list; none where it is no list. */
export const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];

/** The keys of `claims`, below a source that reads claims. */
export const claimKeys: readonly (keyof ClaimNames)[] = [
  "subject",
  "name",
  "email",
  "emailVerified",
  "groups",
  "groupsSeparator",
  "sessionId",
  "tenant",
];
