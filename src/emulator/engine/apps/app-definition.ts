import type { JsonObject } from "../json-value.ts";
import type { Table } from "../table.ts";

/** Which rows a member of a group may see. Users in none of the groups see every row. */
export interface SectionAccess {
  /** The field that decides. */
  readonly field: string;
  /** Per group, the value of the field its members see. */
  readonly grants: Readonly<Record<string, string>>;
}

/** An app of the local tenant: its data, its stored objects, and who may see what. */
export interface AppDefinition {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** ISO 8601 time of the last reload. */
  readonly lastReload: string;
  /** Only members of this group may open the app; everybody by default. */
  readonly requiredGroup?: string;
  readonly sectionAccess?: SectionAccess;
  /** Makes the data; called once, when somebody opens the app or asks for its size. */
  readonly load: () => Table;
  /** Properties of the stored objects and library items; each has its id and type in `qInfo`. */
  readonly objects: readonly JsonObject[];
}
