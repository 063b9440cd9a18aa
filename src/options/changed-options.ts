import { KeyObject } from "node:crypto";
import { Secret } from "../kernel/secret.ts";
import { formatPath, isPlainObject } from "./check-shape.ts";

/**
 * The places at which two configurations differ; a list counts as one place. Functions are left out: nobody can tell
 * whether two of them do the same.
 */
export function changedPlaces(before: unknown, after: unknown): readonly string[] {
  return compare(before, after, []);
}

function compare(before: unknown, after: unknown, path: readonly string[]): readonly string[] {
  if (isPlainObject(before) && isPlainObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => compare(before[key], after[key], [...path, key]));
  }
  return isSame(before, after) ? [] : [formatPath(path)];
}

/** Objects that hide what they hold would otherwise be the same as any other of their kind. */
function isSame(before: unknown, after: unknown): boolean {
  if (typeof before === "function" && typeof after === "function") return true;
  if (before instanceof Secret && after instanceof Secret) return before.reveal() === after.reveal();
  if (before instanceof KeyObject && after instanceof KeyObject) return before.equals(after);
  if (before instanceof Set && after instanceof Set) return isSame([...before], [...after]);
  if (Array.isArray(before) && Array.isArray(after))
    return before.length === after.length && before.every((each, index) => isSame(each, after[index]));
  if (isPlainObject(before) && isPlainObject(after)) return compare(before, after, []).length === 0;
  return Object.is(before, after);
}
