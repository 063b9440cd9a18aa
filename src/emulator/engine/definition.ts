import { type Json, type JsonObject, toList, toNumber, toObject, toText } from "./json-value.ts";

/** Finds the properties of a library item by id. */
export type Library = (id: string) => JsonObject | undefined;

/** A dimension as a hypercube or list object uses it: its library item and its own definition merged. */
export interface DimensionDefinition {
  /** The properties as given, with `qDef` beside other members. */
  readonly given: JsonObject;
  /** The inner `qDef`. */
  readonly inner: JsonObject;
  readonly fieldDefs: readonly string[];
  readonly activeField: number;
  readonly title: string;
  readonly sortCriteria: Json | undefined;
  /** True when the library item it names does not exist. */
  readonly missing: boolean;
}

/** A measure as a hypercube uses it. */
export interface MeasureDefinition {
  readonly given: JsonObject;
  readonly inner: JsonObject;
  readonly expression: string;
  readonly title: string;
  readonly format: Json | undefined;
  readonly missing: boolean;
}

/** Reads a member of `qDimensions`, or a `qListObjectDef`, which has the same shape. */
export function readDimension(given: JsonObject, library: Library): DimensionDefinition {
  const inner = toObject(given["qDef"]);
  const id = toText(given["qLibraryId"]);
  const item = id === "" ? undefined : library(id);
  const source = item === undefined ? inner : toObject(item["qDim"]);
  const fieldDefs = toList(source["qFieldDefs"]).map((text) => toText(text));
  const labels = toList(source["qFieldLabels"]).map((text) => toText(text));
  const activeField = Math.min(
    Math.max(0, toNumber(inner["qActiveField"])),
    Math.max(0, fieldDefs.length - 1),
  );
  const label = labels[activeField] ?? "";
  return {
    given,
    inner,
    fieldDefs,
    activeField,
    title: label || toText(source["title"]) || toFieldName(fieldDefs[activeField] ?? ""),
    sortCriteria: toList(inner["qSortCriterias"])[activeField],
    missing: id !== "" && item === undefined,
  };
}

/** Reads a member of `qMeasures`. */
export function readMeasure(given: JsonObject, library: Library): MeasureDefinition {
  const inner = toObject(given["qDef"]);
  const id = toText(given["qLibraryId"]);
  const item = id === "" ? undefined : library(id);
  const source = item === undefined ? inner : toObject(item["qMeasure"]);
  const expression = toText(source["qDef"]);
  const own = toObject(inner["qNumFormat"]);
  return {
    given,
    inner,
    expression,
    title: toText(source["qLabel"]) || expression.replace(/^\s*=/, ""),
    format: Object.keys(own).length > 0 ? own : source["qNumFormat"],
    missing: id !== "" && item === undefined,
  };
}

/** The field a dimension's text names: `Region`, `[Sales rep]` and `=[Region]` are the same thing. */
export function toFieldName(definition: string): string {
  const text = definition.replace(/^\s*=/, "").trim();
  const bracketed = /^\[([^\]]*)\]$/.exec(text) ?? /^"([^"]*)"$/.exec(text);
  return bracketed?.[1] ?? text;
}

/** Members that the engine does not know are the chart's own: they travel from definition to layout untouched. */
export function ownMembers(definition: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(definition).filter(([member]) => !/^q[A-Z]/.test(member)));
}
