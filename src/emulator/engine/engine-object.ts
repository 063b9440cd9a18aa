import { randomUUID } from "node:crypto";
import type { Cube } from "./cube.ts";
import { type JsonObject, toObject, toText } from "./json-value.ts";

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
  /** Patches that only this session sees, laid over the properties. */
  softProperties: JsonObject | undefined;
  /** Text searched for, by path of the list object. */
  readonly searches: Map<string, string> = new Map();
  /** Computed cubes by path, each with the state of the selections it was computed from. */
  readonly cubes: Map<string, { readonly stamp: string; readonly cube: Cube }> = new Map();
  /** Grows with every change of the properties. */
  revision = 0;
  #properties: JsonObject;

  constructor(properties: JsonObject, kind: ObjectKind, stored: boolean) {
    const info = toObject(properties["qInfo"]);
    this.id = toText(info["qId"]) || randomUUID();
    this.type = toText(info["qType"]);
    this.kind = kind;
    this.stored = stored;
    this.#properties = this.#withInfo(properties);
  }

  /** The properties as stored. */
  get properties(): JsonObject {
    return this.#properties;
  }

  /** The properties with the session's soft patches. */
  get effectiveProperties(): JsonObject {
    return this.softProperties ?? this.#properties;
  }

  /** Replaces the properties; the id and type cannot be changed. */
  setProperties(properties: JsonObject): void {
    this.#properties = this.#withInfo(properties);
    this.softProperties = undefined;
    this.revision += 1;
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
