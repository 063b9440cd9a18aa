/** A value as it travels in a JSON-RPC frame. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object; reading a member that is not there gives `undefined`. */
export interface JsonObject {
  readonly [member: string]: Json | undefined;
}

const EMPTY: JsonObject = Object.freeze({});

/** True for a JSON object, false for lists, `null` and plain values. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value itself when it is an object, else an empty object. */
export function toObject(value: Json | undefined): JsonObject {
  return isObject(value) ? value : EMPTY;
}

/** The value itself when it is a list, else an empty list. */
export function toList(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** The value when it is a finite number, else `fallback` (0 by default: the engine's members default to zero). */
export function toNumber(value: Json | undefined, fallback = 0): number {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

/** The value when it is text, else `fallback` (empty by default). */
export function toText(value: Json | undefined, fallback = ""): string {
  return typeof value === "string" ? value : fallback;
}

/** The whole numbers of a list; everything else in it is left out. */
export function toIntegers(value: Json | undefined): readonly number[] {
  return toList(value).filter((item): item is number => Number.isInteger(item));
}

/** Follows a JSON pointer such as `/qHyperCubeDef/qDimensions/0`. */
export function atPointer(root: Json, pointer: string): Json | undefined {
  let value: Json | undefined = root;
  for (const step of pointerSteps(pointer)) {
    if (Array.isArray(value)) value = (value as readonly Json[])[Number(step)];
    else if (isObject(value) && Object.hasOwn(value, step)) value = value[step];
    else return undefined;
  }
  return value;
}

/** Cuts a JSON pointer into its unescaped steps (RFC 6901 §4). */
export function pointerSteps(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .filter((step) => step !== "")
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}
