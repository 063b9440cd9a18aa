import type { DimensionDefinition, MeasureDefinition } from "./definition.ts";
import { evaluate, evaluateOne } from "./evaluation.ts";
import { tryParse } from "./expression.ts";
import type { ValueGrouping } from "./grouping.ts";
import { toObject, toText } from "./json-value.ts";
import type { Table } from "./table.ts";

/** The code of the row that stands for all values beyond the counted ones. */
export const OTHERS_CODE = 0xffff_fffe;

/** The text of that row. */
export function othersLabel(definition: DimensionDefinition): string {
  return toText(toObject(definition.given["qOtherLabel"])["qv"]) || "Others";
}

/**
 * Merges all but the largest groups into one when the only dimension asks for it
 * (`qOtherTotalSpec.qOtherMode` is `OTHER_COUNTED`); the first measure tells which are the largest.
 */
export function mergeOthers(
  grouping: ValueGrouping,
  cube: {
    readonly dimensions: readonly DimensionDefinition[];
    readonly measures: readonly MeasureDefinition[];
    readonly table: Table;
  },
): ValueGrouping {
  const kept = keptCount(cube);
  const expression = tryParse(cube.measures[0]?.expression ?? "");
  const codes = grouping.codes[0];
  if (kept === undefined || expression === undefined || codes === undefined || grouping.count <= kept)
    return grouping;
  const { numbers } = evaluate(expression, grouping, cube.table);
  const size = (group: number): number =>
    (Number.isNaN(numbers[group]) ? Number.NEGATIVE_INFINITY : numbers[group]) ?? 0;
  const ranked = Array.from(numbers, (_, group) => group).sort((left, right) => size(right) - size(left));
  const place = new Uint32Array(grouping.count).fill(kept);
  ranked.slice(0, kept).forEach((group, index) => {
    place[group] = index;
  });
  const largest = ranked.slice(0, kept).map((group) => codes[group] as number);
  return {
    count: kept + 1,
    rows: grouping.rows,
    groupOf: grouping.groupOf.map((group) => place[group] as number),
    codes: [Uint32Array.from([...largest, OTHERS_CODE])],
  };
}

/** How many values are shown on their own; nothing when all are. */
function keptCount({
  dimensions,
  table,
}: {
  readonly dimensions: readonly DimensionDefinition[];
  readonly table: Table;
}): number | undefined {
  const specification = toObject(dimensions[0]?.given["qOtherTotalSpec"]);
  if (dimensions.length !== 1 || specification["qOtherMode"] !== "OTHER_COUNTED") return undefined;
  const counted = tryParse(toText(toObject(specification["qOtherCounted"])["qv"]));
  const count = counted === undefined ? Number.NaN : evaluateOne(counted, new Uint32Array(0), table).number;
  return Number.isInteger(count) && count > 0 ? count : undefined;
}
