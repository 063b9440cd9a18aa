import type { OptionProblem } from "../errors.ts";
import { changedPlaces } from "./changed-options.ts";
import type { ResolvedOptions } from "./resolved-options.ts";

/** What a reload can change: a place, and everything below it. docs/reference/reload.md */
const reloadable = [
  "allowMissingOrigin",
  "allowedOrigins",
  "frameAncestors",
  "identify",
  "identityHeaders",
  "madeSecret",
  "policy",
  "secrets",
  "tenant.backend",
  "tenant.clientSecret",
  "tenant.signingKeys",
  "trustedProxies",
  "warnings",
] as const;

/** What every place is told that a reload cannot change. */
export const needsRestart = "cannot be changed by a reload: restart the server, or write what it was before";

/**
 * What stands against replacing options while they are in use: places that hold for the whole life of a process, and
 * secrets of which none opens what the ones before have sealed.
 */
export function reloadProblems(before: ResolvedOptions, after: ResolvedOptions): readonly OptionProblem[] {
  const fixed = changedPlaces(before, after)
    .filter((place) => !reloadable.some((each) => place === each || place.startsWith(`${each}.`)))
    // The parts into which the address of a store is taken are not the operator's words.
    .map((place) => (place.startsWith("store.") ? "store" : place));
  // Whoever is signed in by a source of ours is signed in at that one.
  const isOtherSource = changedPlaces(before.identify.fixed, after.identify.fixed).length > 0;
  return [
    ...(isOtherSource ? [{ path: "identity", message: needsRestart }] : []),
    ...[...new Set(fixed)].map((path) => ({ path, message: needsRestart })),
    ...(opens(before, after) ? [] : [{ path: "secret", message: noOlderSecret }]),
  ];
}

/** The options with the secret that was made up because none was given, which opens what it has sealed. */
export function withSecretsOf(before: ResolvedOptions, after: ResolvedOptions): ResolvedOptions {
  const { madeSecret } = before;
  if (after.madeSecret !== null) return Object.freeze({ ...after, secrets: before.secrets, madeSecret });
  if (madeSecret === null) return after;
  return Object.freeze({ ...after, secrets: [...after.secrets, madeSecret] as const, madeSecret });
}

/** The options with the identity source of before where the settings are the same: what it has learned stays known. */
export function withSourceOf(before: ResolvedOptions, after: ResolvedOptions): ResolvedOptions {
  const { identify } = before;
  const isSame = identify.madeOf !== undefined && identify.madeOf === after.identify.madeOf;
  return isSame ? Object.freeze({ ...after, identify }) : after;
}

const noOlderSecret =
  "must hold the first line of before too, below the new one: without it nothing that is sealed could be opened, and every session would be lost";

const opens = ({ secrets: [sealing] }: ResolvedOptions, after: ResolvedOptions): boolean =>
  after.secrets.some((each) => each.reveal() === sealing.reveal());
