// Makes the JSON Schema of the configuration file, for editors, from src/server/config/schema.ts.
import { configTree, fileBacked, kindKeys, writeNumber } from "./config-keys.mjs";
import { exactlyOneOf, notes, oneOfSets, reloaded } from "./config-notes.mjs";

/** Where the schema stands in the built package; `qlik-session-proxy/config.schema.json` leads to it. */
export const configSchemaPath = "dist/config.schema.json";

/** As src/options/duration.ts and size.ts read them: a bare number does not say its unit. */
const patterns = {
  duration: String.raw`^\d{1,12}(\.\d{1,3})?(ms|s|m|h|d)$`,
  size: String.raw`^\d{1,12}(\.\d{1,3})?(B|KiB|MiB|GiB)$`,
};

const textSchema = { type: "string", minLength: 1 };

/** What a file may hold at a key, by the kind of its value. */
const valueSchemas = {
  text: () => textSchema,
  boolean: () => ({ type: "boolean" }),
  integer: ({ from, to }) => ({ type: "integer", minimum: from, maximum: to }),
  duration: () => ({ type: "string", pattern: patterns.duration }),
  size: () => ({ type: "string", pattern: patterns.size }),
  list: () => ({ type: "array", items: textSchema }),
  lines: () => ({ type: "array", items: textSchema }),
  opaque: () => ({}),
};

/** Choices alone, any value of the kind, or a number beside a choice. */
function valueSchema(part) {
  const { leaf, choices, from } = part;
  if (choices.length === 0) return valueSchemas[leaf](part);
  return from === undefined ? { enum: choices } : { anyOf: [{ enum: choices }, valueSchemas[leaf](part)] };
}

/** The partner of a key that ends in `File`; undefined for every other key. */
export const partnerOf = (name) => [...fileBacked.values()].find(({ fileName }) => fileName === name);

/** Says of a key what it is; a key without a note is one that nobody explained. */
function noteOf({ name }) {
  const partner = partnerOf(name);
  if (partner !== undefined) return `Names the file that holds ${partner.path.at(-1)}.`;
  return notes[name];
}

const rangeOf = (part) =>
  part.from === undefined ? "" : ` From ${writeNumber(part, part.from)} to ${writeNumber(part, part.to)}.`;

const defaultOf = (part) =>
  part.fallback === undefined
    ? {}
    : {
        default:
          part.from === undefined || part.leaf === "integer"
            ? part.fallback
            : writeNumber(part, part.fallback),
      };

/** Editors show it as plain text. */
const plain = (note) => note.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, "$1").replaceAll("`", "");

/** Whether a reload takes the key. `…File` keys go with their partner. */
export const isReloaded = ({ name }) => {
  const key = partnerOf(name)?.path.join(".").replaceAll(".[]", "[]") ?? name;
  return reloaded.some(
    (place) => key === place || key.startsWith(`${place}.`) || key.startsWith(`${place}[]`),
  );
};

function leafSchema(part) {
  if (part.leaf === "unavailable") return { not: {}, description: "Refused here." };
  const description = plain(`${noteOf(part) ?? ""}${rangeOf(part)}`);
  return { ...valueSchema(part), description, ...defaultOf(part) };
}

/** A text and the file that holds it: one of them, and where it is required, exactly one. */
function pairRules(entries) {
  return [...entries.values()].flatMap(({ name, path }) => {
    const pair = fileBacked.get(name);
    if (pair === undefined) return [];
    const [text, file] = [path.at(-1), `${path.at(-1)}File`].map((key) => ({ required: [key] }));
    return [
      pair.required ? { oneOf: [text, file] } : { not: { required: [text.required[0], file.required[0]] } },
    ];
  });
}

/** The keys that a file may say a value under: the key, and the one that names its file. */
const spellingsOf = (place, key) => (fileBacked.has(`${place}.${key}`) ? [key, `${key}File`] : [key]);

/** What a tenant of a kind needs, and what it has no use for. The first is the kind of one that names none. */
function kindRules(place) {
  const kinds = Object.keys(kindKeys);
  const keys = [...new Set(Object.values(kindKeys).flatMap(Object.keys))];
  return kinds.map((kind, index) => {
    const own = kindKeys[kind];
    const foreign = keys.filter((key) => !Object.hasOwn(own, key)).flatMap((key) => spellingsOf(place, key));
    const needed = Object.keys(own).filter((key) => own[key] === null);
    const isOfKind = {
      properties: { kind: { const: kind } },
      ...(index === 0 ? {} : { required: ["kind"] }),
    };
    const rules = {
      properties: Object.fromEntries(foreign.map((key) => [key, false])),
      allOf: needed.map((key) => ({
        oneOf: spellingsOf(place, key).map((spelling) => ({ required: [spelling] })),
      })),
    };
    return { anyOf: [{ not: isOfKind }, rules] };
  });
}

function objectSchema({ name, entries }) {
  const required = [...entries.values()].filter(({ optional }) => !optional).map(({ path }) => path.at(-1));
  const rules = [
    ...pairRules(entries),
    ...(name === "tenant" || name === "tenants[]" ? kindRules(name) : []),
  ];
  return {
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries([...entries].map(([key, part]) => [key, partSchema(part)])),
    ...(required.length === 0 ? {} : { required }),
    ...(exactlyOneOf.has(name) ? { minProperties: 1, maxProperties: 1 } : {}),
    ...(rules.length === 0 ? {} : { allOf: rules }),
  };
}

function partSchema(part) {
  if (part.kind === "leaf") return leafSchema(part);
  if (part.kind === "array") return { type: "array", minItems: 1, items: partSchema(part.item) };
  return objectSchema(part);
}

/** The whole JSON Schema, as text. */
export function configSchemaText() {
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration of qlik-session-proxy",
    description:
      "A file that leaves nothing to variables and flags. Ranges of durations and sizes, and what values mean together, are checked by qlik-session-proxy validate.",
    ...objectSchema(configTree),
    anyOf: oneOfSets.map((required) => ({ required })),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
