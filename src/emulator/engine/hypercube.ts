import type { Column } from "./column.ts";
import type { Cube, CubeDimension, CubeMeasure, CubeSource } from "./cube.ts";
import { orderGroups } from "./cube-order.ts";
import { mergeOthers } from "./cube-others.ts";
import {
  type DimensionDefinition,
  type MeasureDefinition,
  readDimension,
  readMeasure,
  toFieldName,
} from "./definition.ts";
import { type Computed, evaluate } from "./evaluation.ts";
import { tryParse } from "./expression.ts";
import { groupAll, groupRows, type Grouping, type ValueGrouping } from "./grouping.ts";
import { type Json, type JsonObject, toList, toObject, toText } from "./json-value.ts";
import type { Table } from "./table.ts";

/** Computes a hypercube from a `qHyperCubeDef`. */
export function computeCube(definition: JsonObject, source: CubeSource): Cube {
  const { table, association, library } = source;
  const dimensions = toList(definition["qDimensions"]).map((given) =>
    readDimension(toObject(given), library),
  );
  const measures = toList(definition["qMeasures"]).map((given) => readMeasure(toObject(given), library));
  const fields = dimensions.map(({ fieldDefs, activeField }) => toFieldName(fieldDefs[activeField] ?? ""));
  const columns = fields.map((field) => table.columns.get(field));
  const known = columns.filter((column) => column !== undefined);
  const broken = known.length < columns.length || (columns.length === 0 && measures.length === 0);
  // Without a valid set of dimensions the engine calculates nothing.
  const rows = broken ? new Uint32Array(0) : keepWithoutNulls(source.rows, dimensions, known);
  const grouping = mergeOthers(groupRows(rows, known), { dimensions, measures, table });
  const groups = broken ? { ...grouping, count: 0 } : grouping;
  const parts = {
    dimensions: dimensions.map((dimension, index) =>
      computeDimension({ definition: dimension, field: fields[index] ?? "", index }, groups, table),
    ),
    measures: measures.map((measure) => computeMeasure(measure, groups, table)),
  };
  const shown = shownGroups(definition, groups.count, parts.measures);
  return { definition, association, ...parts, ...orderGroups(shown, { definition, ...parts, source }) };
}

function computeDimension(
  place: { readonly definition: DimensionDefinition; readonly field: string; readonly index: number },
  groups: ValueGrouping,
  table: Table,
): CubeDimension {
  const { definition, field, index } = place;
  const column = table.columns.get(field);
  const codes = groups.codes[index] ?? new Uint32Array(0);
  const attributes = toList(definition.given["qAttributeExpressions"]).map((given) => {
    // An attribute of a dimension value looks at all rows of the value, not at those of one cube row.
    const own = column === undefined ? groupAll(groups.rows) : groupRows(groups.rows, [column]);
    const values = evaluateText(toObject(given)["qExpression"], own, table);
    return { given: toObject(given), values: column === undefined ? values : spread(values, own, codes) };
  });
  return { definition, field, column, codes, attributes };
}

function spread(values: Computed, own: ValueGrouping | Grouping, codes: Uint32Array): Computed {
  const groupOfCode = new Map<number, number>();
  if ("codes" in own) own.codes[0]?.forEach((code, group) => groupOfCode.set(code, group));
  const groups = Array.from(codes, (code) => groupOfCode.get(code) ?? 0);
  const numbers = Float64Array.from(groups, (group) => values.numbers[group] ?? Number.NaN);
  const { texts } = values;
  return texts === undefined ? { numbers } : { numbers, texts: groups.map((group) => texts[group] ?? null) };
}

function computeMeasure(definition: MeasureDefinition, groups: ValueGrouping, table: Table): CubeMeasure {
  const expression = tryParse(definition.expression);
  const attributes = toList(definition.given["qAttributeExpressions"]).map((given) => ({
    given: toObject(given),
    values: evaluateText(toObject(given)["qExpression"], groups, table),
  }));
  return {
    definition,
    expression,
    values: expression === undefined ? nulls(groups.count) : evaluate(expression, groups, table),
    total: expression === undefined ? nulls(1) : evaluate(expression, groupAll(groups.rows), table),
    attributes,
  };
}

function evaluateText(text: Json | undefined, groups: Grouping, table: Table): Computed {
  const expression = tryParse(toText(text));
  return expression === undefined ? nulls(groups.count) : evaluate(expression, groups, table);
}

function nulls(count: number): Computed {
  return { numbers: new Float64Array(count).fill(Number.NaN) };
}

function keepWithoutNulls(
  rows: Uint32Array,
  definitions: readonly DimensionDefinition[],
  columns: readonly Column[],
): Uint32Array {
  const strict = columns.filter((_, index) => definitions[index]?.given["qNullSuppression"] === true);
  if (strict.length === 0) return rows;
  return rows.filter((row) => strict.every((column) => (column.codes[row] as number) < column.values.length));
}

function shownGroups(
  definition: JsonObject,
  count: number,
  measures: readonly CubeMeasure[],
): readonly number[] {
  const groups = Array.from({ length: count }, (_, group) => group);
  const noZero = definition["qSuppressZero"] === true;
  const noMissing = definition["qSuppressMissing"] === true;
  if (measures.length === 0 || (!noZero && !noMissing)) return groups;
  return groups.filter((group) => measures.some(({ values }) => isShown(values, group)));
  function isShown(values: Computed, group: number): boolean {
    const number = values.numbers[group] as number;
    if (Number.isNaN(number)) return (values.texts?.[group] ?? null) !== null;
    return !noZero || number !== 0;
  }
}
