import type { AppDefinition } from "./apps/app-definition.ts";
import type { Library } from "./definition.ts";
import { EngineObject, kindOf, type ObjectKind } from "./engine-object.ts";
import type { JsonObject } from "./json-value.ts";
import { ERROR, RpcError } from "./rpc-error.ts";
import { SelectionModel } from "./selection-model.ts";
import type { Table } from "./table.ts";

/** What an app is opened with. */
export interface DocOptions {
  readonly appId: string;
  readonly definition: AppDefinition;
  /** The data this user may see. */
  readonly table: Table;
  /** Objects this user stored earlier, by id; new ones are added to it. */
  readonly saved: Map<string, JsonObject>;
  /** Opened without data. */
  readonly noData: boolean;
}

/** An app opened in an engine session: its data, selections and objects. */
export class Doc {
  readonly appId: string;
  readonly definition: AppDefinition;
  readonly table: Table;
  readonly noData: boolean;
  readonly selection: SelectionModel;
  /** Grows when library items come, change or go. */
  libraryRevision = 0;
  readonly #saved: Map<string, JsonObject>;
  readonly #objects = new Map<string, EngineObject>();

  constructor(options: DocOptions) {
    this.appId = options.appId;
    this.definition = options.definition;
    this.table = options.table;
    this.noData = options.noData;
    this.selection = new SelectionModel(options.table);
    this.#saved = options.saved;
    for (const properties of [...options.definition.objects, ...options.saved.values()]) {
      const object = new EngineObject(properties, kindOf(properties), true);
      this.#objects.set(object.id, object);
    }
  }

  /** Finds library items for hypercubes and list objects. */
  readonly library: Library = (id) => {
    const object = this.#objects.get(id);
    return object === undefined || object.kind === "GenericObject" ? undefined : object.properties;
  };

  /** Creates an object; an id that is taken already is refused. */
  create(properties: JsonObject, kind: ObjectKind, stored: boolean): EngineObject {
    const object = new EngineObject(properties, kind, stored);
    if (this.#objects.has(object.id)) throw new RpcError(ERROR.alreadyExists, object.id);
    this.#objects.set(object.id, object);
    if (stored) this.#saved.set(object.id, object.properties);
    this.#noteLibrary(kind);
    return object;
  }

  /** The object of that id and kind, if there is one. */
  find(id: string, kind: ObjectKind): EngineObject | undefined {
    const object = this.#objects.get(id);
    return object?.kind === kind ? object : undefined;
  }

  /** Removes an object; an object that came with the app cannot be removed. */
  remove(id: string, stored: boolean): boolean {
    const object = this.#objects.get(id);
    if (object === undefined || object.stored !== stored) return false;
    if (stored && !this.#saved.delete(id)) return false;
    this.#noteLibrary(object.kind);
    return this.#objects.delete(id);
  }

  /** Replaces the properties of an object; those of the user's own stored objects are kept for later sessions. */
  update(object: EngineObject, properties: JsonObject): void {
    object.setProperties(properties);
    this.#noteLibrary(object.kind);
    if (object.stored && this.#saved.has(object.id)) this.#saved.set(object.id, object.properties);
  }

  /** Every stored object, in the order they were made. */
  stored(): readonly EngineObject[] {
    return [...this.#objects.values()].filter((object) => object.stored);
  }

  #noteLibrary(kind: ObjectKind): void {
    if (kind !== "GenericObject") this.libraryRevision += 1;
  }
}
