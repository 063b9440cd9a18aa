import { formatPath, isPlainObject } from "../../options/check-shape.ts";
import type { ConfigPath } from "./names.ts";
import type { Setting } from "./settings.ts";

/** A tree with everything in it, and where the values came from that are not from the file. */
export interface Merged {
  readonly tree: Record<string, unknown>;
  /** Name of the variable or flag by the path of its value. */
  readonly sources: ReadonlyMap<string, string>;
}

type Branch = Record<string | number, unknown>;

/** Lays settings over a tree; later ones win. The given tree stays as it is. */
export function mergeSettings(tree: Readonly<Record<string, unknown>>, settings: readonly Setting[]): Merged {
  const merged = structuredClone(tree) as Record<string, unknown>;
  const sources = new Map<string, string>();
  for (const { path, value, source } of settings) {
    setAt(merged, path, value);
    sources.set(formatPath(path), source);
  }
  return { tree: merged, sources };
}

/** Puts a value at a path, and makes the objects and lists that lead there. */
export function setAt(root: Branch, path: ConfigPath, value: unknown): void {
  let branch = root;
  for (const [depth, key] of path.entries()) {
    if (depth === path.length - 1) {
      branch[key] = value;
      return;
    }
    const inner = branch[key];
    const next: Branch =
      isPlainObject(inner) || Array.isArray(inner)
        ? (inner as unknown as Branch)
        : typeof path[depth + 1] === "number"
          ? ([] as unknown as Branch)
          : {};
    branch[key] = next;
    branch = next;
  }
}

/** The value at a path; undefined where the path leads nowhere. */
export function getAt(root: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>((branch, key) => {
    if (typeof key === "number")
      return Array.isArray(branch) ? (branch as readonly unknown[])[key] : undefined;
    return isPlainObject(branch) && Object.hasOwn(branch, key) ? branch[key] : undefined;
  }, root);
}
