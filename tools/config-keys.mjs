// Reads every key of the configuration out of the one schema, src/server/config/schema.ts, with what can be said of it.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const folder = fileURLToPath(new URL("../src/server/config", import.meta.url));

const exported = `
export { configSchema, fileBackedKeys } from "./schema.ts";
export { keyNames } from "./names.ts";
export { kindKeys } from "../../options/tenant-kinds.ts";
export { inspectSchema } from "../../options/schema-node.ts";
export { formatDuration } from "../../options/duration.ts";
export { formatSize } from "../../options/size.ts";
`;

/** Loads the schema from the source, so that no build has to be there. */
async function loadSource() {
  const { outputFiles } = await build({
    stdin: { contents: exported, resolveDir: folder, loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

const source = await loadSource();

/** The schemas that a schema is made of: the parts of its pipe, the members of its union. */
const partsOf = (schema) => [
  ...(schema.pipe ?? []).filter((part) => part !== schema),
  ...(schema.type === "union" ? schema.options : []),
];

/** What is said of one kind of check, wherever in the schema it is. */
const requirementOf = (schema, type) =>
  partsOf(schema)
    .map((part) => (part.type === type ? part.requirement : requirementOf(part, type)))
    .find((requirement) => requirement !== undefined);

/** The values that may be chosen; none where any may be given. */
const choicesIn = (schema) => {
  if (schema.type === "picklist") return [...schema.options];
  return schema.type === "literal" ? [schema.literal] : partsOf(schema).flatMap(choicesIn);
};

const nameOf = (path) => path.join(".").replaceAll(".[]", "[]");

/** Takes a schema out of its optional wrappers; `fallback` is the default where there is one. */
function unwrap(schema, optional = false, fallback) {
  if (schema.wrapped === undefined) return { schema, optional, fallback };
  return unwrap(schema.wrapped, true, fallback ?? schema.default);
}

/** The same tree as the schema's, each part with what a reader has to know of it. */
function describe(wrapped, path) {
  const { schema, optional, fallback } = unwrap(wrapped);
  const node = source.inspectSchema(schema);
  const shared = { path, name: nameOf(path), optional, fallback };
  if (node.kind === "object") {
    const entries = Object.entries(node.entries).map(([key, entry]) => [
      key,
      describe(entry, [...path, key]),
    ]);
    return { ...shared, kind: "object", entries: new Map(entries) };
  }
  if (node.kind === "array") return { ...shared, kind: "array", item: describe(node.item, [...path, "[]"]) };
  const { variable, flag } = source.keyNames.find((key) => nameOf(key.path) === shared.name);
  return {
    ...shared,
    kind: "leaf",
    leaf: node.leaf,
    from: requirementOf(schema, "min_value"),
    to: requirementOf(schema, "max_value"),
    choices: [...new Set(choicesIn(schema))],
    variable,
    flag: `--${flag}`,
  };
}

/** The whole configuration: objects and lists with their parts, and at the ends the values. */
export const configTree = describe(source.configSchema, []);

const leavesOf = (part) =>
  part.kind === "leaf"
    ? [part]
    : part.kind === "array"
      ? leavesOf(part.item)
      : [...part.entries.values()].flatMap(leavesOf);

/** Every value that this version takes, in the schema's order. */
export const configKeys = leavesOf(configTree).filter(({ leaf }) => leaf !== "unavailable");

/** What only some kinds of tenants have, by the kind; null where the kind needs it. */
export const { kindKeys } = source;

/** Names of parts of the interface that this version refuses. */
export const unavailableKeys = leavesOf(configTree)
  .filter(({ leaf }) => leaf === "unavailable")
  .map(({ name }) => name);

/** The pairs of a key and the one that names its file, by the name of the key. */
export const fileBacked = new Map(
  source.fileBackedKeys.map((key) => [nameOf(key.path), { ...key, fileName: `${nameOf(key.path)}File` }]),
);

/** Writes a number of a key as its file would: 30s, 1MiB, 32. */
export function writeNumber({ leaf }, value) {
  if (leaf === "duration") return source.formatDuration(value);
  return leaf === "size" ? source.formatSize(value) : String(value);
}
