import * as v from "valibot";
import type { OptionProblem } from "../errors.ts";
import { nearestName } from "./nearest-name.ts";
import { inspectSchema, listLeaves } from "./schema-node.ts";

/** Writes a path as in the file: `tenant.signingKeys[0].keyId`. */
export function formatPath(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`),
    "",
  );
}

/** Tells whether a value is an object that was written as one: not an array, a key or another instance. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** What a schema says of a value: its problems, and the value with its defaults when there are none. */
export interface Shape<Output> {
  readonly problems: readonly OptionProblem[];
  readonly output: Output | undefined;
}

/** Checks names, types and ranges of a value; every problem, unknown names first. */
export function checkShape<Output>(schema: v.GenericSchema<unknown, Output>, value: unknown): Shape<Output> {
  const result = v.safeParse(schema, value);
  const problems = [...findUnknownKeys(schema, value), ...(result.issues ?? []).map(toProblem)];
  return { problems, output: result.success && problems.length === 0 ? result.output : undefined };
}

function toProblem(issue: v.BaseIssue<unknown>): OptionProblem {
  const path = (issue.path ?? []).map(({ key }) => key as string | number);
  const missing = issue.kind === "schema" && issue.type === "object" && issue.received === "undefined";
  return { path: formatPath(path) || "options", message: missing ? "is missing" : issue.message };
}

/** Finds keys that the schema does not have, each with the name that was probably meant. */
function findUnknownKeys(schema: v.GenericSchema, value: unknown): readonly OptionProblem[] {
  const everyPath = listLeaves(schema).map(({ path }) => path);
  const search = (
    at: v.GenericSchema,
    part: unknown,
    path: readonly (string | number)[],
  ): readonly OptionProblem[] => {
    const node = inspectSchema(at);
    if (node.kind === "array" && Array.isArray(part)) {
      return part.flatMap((item: unknown, index) => search(node.item, item, [...path, index]));
    }
    if (node.kind !== "object" || !isPlainObject(part)) return [];
    return Object.entries(part).flatMap(([key, inner]) => {
      const entry = Object.hasOwn(node.entries, key) ? node.entries[key] : undefined;
      if (entry !== undefined) return search(entry, inner, [...path, key]);
      const hint = hintFor(key, Object.keys(node.entries), everyPath);
      return [{ path: formatPath([...path, key]), message: `is not a known key${hint}` }];
    });
  };
  return search(schema, value, []);
}

/** The nearest name beside the unknown one, else the place where a key of that very name lives. */
function hintFor(key: string, beside: readonly string[], everyPath: readonly (readonly string[])[]): string {
  const near = nearestName(key, beside);
  if (near !== null) return `; did you mean "${near}"?`;
  const elsewhere = everyPath.find((path) => path.at(-1) === key);
  return elsewhere === undefined ? "" : `; did you mean "${elsewhere.join(".").replaceAll(".[]", "[]")}"?`;
}
