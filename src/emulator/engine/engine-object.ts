import { randomUUID } from "node:crypto";
import type { Cube } from "./cube.ts";
import { isObject, type Json, type JsonObject, toObject, toText } from "./json-value.ts";
import { ERROR, RpcError } from "./rpc-error.ts";

/** The kinds of thing that have properties and a layout. */
export type ObjectKind = "GenericObject" | "GenericDimension" | "GenericMeasure";

/** A generic object, library dimension or library measure as an engine session holds it. */
export class EngineObject {
  readonly id: string;
  readonly kind: ObjectKind;
  /** `qInfo.qType`. */
  readonly type: string;
  /** Stored in the app, and not only for as long as the session lives. */
  readonly stored: boolean;
  /** Text searched for, by path of the list object. */
  readonly searches: Map<string, string> = new Map();
  /** Computed cubes by path, each with the state of the selections it was computed from. */
  readonly cubes: Map<string, { readonly stamp: string; readonly cube: Cube }> = new Map();
  #revision = 0;
  #properties: JsonObject;
  #softProperties: JsonObject | undefined;
  #memberNames: ReadonlySet<string>;

  constructor(properties: JsonObject, kind: ObjectKind, stored: boolean) {
    const info = toObject(properties["qInfo"]);
    this.id = toText(info["qId"]) || randomUUID();
    this.type = toText(info["qType"]);
    this.kind = kind;
    this.stored = stored;
    this.#memberNames = memberNames(properties);
    this.#properties = this.#withInfo(properties);
  }

  /** Grows with every change of the properties. */
  get revision(): number {
    return this.#revision;
  }

  /** The properties as stored. */
  get properties(): JsonObject {
    return this.#properties;
  }

  /** The properties with the session's soft patches. */
  get effectiveProperties(): JsonObject {
    return this.#softProperties ?? this.#properties;
  }

  /** True when there are patches that only this session sees. */
  get isSoftPatched(): boolean {
    return this.#softProperties !== undefined;
  }

  /** True when the effective properties have a member of one of these names, at any depth. */
  hasMember(names: ReadonlySet<string>): boolean {
    for (const name of names) if (this.#memberNames.has(name)) return true;
    return false;
  }

  /** Replaces the properties; the id and type cannot be changed. */
  setProperties(properties: JsonObject): void {
    this.#memberNames = memberNames(properties);
    this.#properties = this.#withInfo(properties);
    this.#softProperties = undefined;
    this.#revision += 1;
  }

  /** Lays changed properties over the stored ones for this session, or takes them away again. */
  setSoftProperties(properties: JsonObject | undefined): void {
    this.#memberNames = memberNames(properties ?? this.#properties);
    this.#softProperties = properties;
    this.#revision += 1;
  }

  /** `qInfo` as answers carry it. */
  get info(): JsonObject {
    return { qId: this.id, qType: this.type };
  }

  #withInfo(properties: JsonObject): JsonObject {
    return { ...properties, qInfo: { ...toObject(properties["qInfo"]), ...this.info } };
  }
}

/** The kind of thing that stored properties describe. */
export function kindOf(properties: JsonObject): ObjectKind {
  const type = toText(toObject(properties["qInfo"])["qType"]);
  if (type === "dimension") return "GenericDimension";
  return type === "measure" ? "GenericMeasure" : "GenericObject";
}

/** Properties nested deeper than this are refused, so that walking through them cannot exhaust the stack. */
const DEEPEST = 200;

/** The names of all members of a value, at any depth. */
function memberNames(root: JsonObject): ReadonlySet<string> {
  const names = new Set<string>();
  const open: { readonly value: Json; readonly depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > DEEPEST) throw new RpcError(ERROR.invalidParameters, "qProp");
    for (const [name, member] of Object.entries(value)) {
      if (isObject(value)) names.add(name);
      if (member !== undefined) open.push({ value: member as Json, depth: depth + 1 });
    }
  }
  return names;
}
