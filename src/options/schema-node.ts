import * as v from "valibot";

/** How a single value is written outside code: in a file, an environment variable or a flag. */
export type LeafKind =
  | "text"
  | "boolean"
  | "integer"
  | "duration"
  | "size"
  /** A list whose entries hold no comma. */
  | "list"
  /** A list of texts that may hold commas. */
  | "lines"
  /** Only code can give it. */
  | "opaque"
  /** Part of the interface, not of this version. */
  | "unavailable";

/** A schema as seen from outside: an object with named parts, an array of one kind of part, or a value. */
export type SchemaNode =
  | { readonly kind: "object"; readonly entries: Readonly<Record<string, v.GenericSchema>> }
  | { readonly kind: "array"; readonly item: v.GenericSchema }
  | { readonly kind: "leaf"; readonly leaf: LeafKind };

/** The parts of valibot's schema objects that describe their inside. */
interface SchemaInside {
  readonly type: string;
  readonly wrapped?: v.GenericSchema;
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  readonly item?: v.GenericSchema;
}

/** Looks into a schema; a value's kind is what its `leaf` metadata says. */
export function inspectSchema(schema: v.GenericSchema): SchemaNode {
  const inside: SchemaInside = schema;
  if (inside.wrapped !== undefined) return inspectSchema(inside.wrapped);
  const { leaf } = v.getMetadata(schema) as { readonly leaf?: LeafKind };
  if (leaf !== undefined) return { kind: "leaf", leaf };
  if (inside.entries !== undefined) return { kind: "object", entries: inside.entries };
  if (inside.item !== undefined) return { kind: "array", item: inside.item };
  return { kind: "leaf", leaf: inside.type === "never" ? "unavailable" : "opaque" };
}

/** A value of a schema and where it stands; a place in an array is written `[]`. */
export interface SchemaLeaf {
  readonly path: readonly string[];
  readonly leaf: LeafKind;
}

/** Lists every value that a schema knows, in the schema's order. */
export function listLeaves(schema: v.GenericSchema, path: readonly string[] = []): readonly SchemaLeaf[] {
  const node = inspectSchema(schema);
  if (node.kind === "leaf") return [{ path, leaf: node.leaf }];
  if (node.kind === "array") return listLeaves(node.item, [...path, "[]"]);
  return Object.entries(node.entries).flatMap(([key, entry]) => listLeaves(entry, [...path, key]));
}
