import type { Association } from "./association.ts";
import type { Column } from "./column.ts";
import type { DimensionDefinition, Library, MeasureDefinition } from "./definition.ts";
import type { Computed } from "./evaluation.ts";
import type { Expression } from "./expression.ts";
import type { JsonObject } from "./json-value.ts";
import type { Table } from "./table.ts";

/** What a hypercube is computed from. */
export interface CubeSource {
  readonly table: Table;
  /** The rows to aggregate. */
  readonly rows: Uint32Array;
  /** Where the states of values come from. */
  readonly association: Association;
  readonly library: Library;
}

/** A dimension of a computed cube. */
export interface CubeDimension {
  readonly definition: DimensionDefinition;
  readonly field: string;
  /** Absent when no such field exists. */
  readonly column: Column | undefined;
  /** Value code per group. */
  readonly codes: Uint32Array;
  readonly attributes: readonly CubeAttribute[];
}

/** A measure of a computed cube. */
export interface CubeMeasure {
  readonly definition: MeasureDefinition;
  /** Absent when the expression cannot be parsed. */
  readonly expression: Expression | undefined;
  /** One value per group. */
  readonly values: Computed;
  /** One value: the grand total. */
  readonly total: Computed;
  readonly attributes: readonly CubeAttribute[];
}

/** An attribute expression of a dimension or measure. */
export interface CubeAttribute {
  readonly given: JsonObject;
  /** One value per group. */
  readonly values: Computed;
}

/** A hypercube, computed and sorted, ready to be cut into pages. */
export interface Cube {
  readonly definition: JsonObject;
  readonly dimensions: readonly CubeDimension[];
  readonly measures: readonly CubeMeasure[];
  readonly association: Association;
  /** Groups in the order of the cube's rows. */
  readonly order: readonly number[];
  /** Column numbers in sorting order. */
  readonly sortOrder: readonly number[];
}
