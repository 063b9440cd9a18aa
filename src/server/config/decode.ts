import type * as v from "valibot";
import type { OptionProblem } from "../../errors.ts";
import { formatPath, isPlainObject } from "../../options/check-shape.ts";
import { parseDuration } from "../../options/duration.ts";
import { inspectSchema, type LeafKind } from "../../options/schema-node.ts";
import { parseSize } from "../../options/size.ts";
import type { ConfigPath } from "./names.ts";

/** A tree after its durations and sizes were read; what could not be read is left out. */
export interface Decoded {
  readonly tree: unknown;
  readonly problems: readonly OptionProblem[];
}

/** Turns durations and sizes into numbers, and refuses bare numbers and empty keys, all over a tree. */
export function decodeUnits(schema: v.GenericSchema, tree: unknown): Decoded {
  const problems: OptionProblem[] = [];
  const decode = (at: v.GenericSchema | undefined, value: unknown, path: ConfigPath): unknown => {
    if (value === null) {
      problems.push({ path: formatPath(path), message: "is empty: give it a value, or remove the key" });
      return undefined;
    }
    const node = at === undefined ? undefined : inspectSchema(at);
    if (node?.kind === "array" && Array.isArray(value)) {
      return value.map((item: unknown, index) => decode(node.item, item, [...path, index]));
    }
    if (node?.kind === "object" && isPlainObject(value)) {
      const entries = Object.entries(value).map(([key, inner]) => {
        const entry = Object.hasOwn(node.entries, key) ? node.entries[key] : undefined;
        return [key, decode(entry, inner, [...path, key])] as const;
      });
      return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
    }
    const result = node?.kind === "leaf" ? decodeLeaf(node.leaf, value) : { value };
    if ("value" in result) return result.value;
    problems.push({ path: formatPath(path), message: result.problem });
    return undefined;
  };
  return { tree: decode(schema, tree, []), problems };
}

function decodeLeaf(
  leaf: LeafKind,
  value: unknown,
): { readonly value: unknown } | { readonly problem: string } {
  if (leaf !== "duration" && leaf !== "size") return { value };
  const [parse, what, units, example] =
    leaf === "duration"
      ? ([parseDuration, "a duration", "ms, s, m, h or d", "30s"] as const)
      : ([parseSize, "a size", "B, KiB, MiB or GiB", "1MiB"] as const);
  if (typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value))) {
    return { problem: `is a bare number, which does not say its unit: write ${units}, such as ${example}` };
  }
  const parsed = typeof value === "string" ? parse(value) : null;
  if (parsed !== null) return { value: parsed };
  return { problem: `must be ${what} such as ${example}: a number and ${units}` };
}
