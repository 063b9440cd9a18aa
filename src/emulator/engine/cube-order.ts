import type { CubeDimension, CubeMeasure, CubeSource } from "./cube.ts";
import { OTHERS_CODE } from "./cube-others.ts";
import { type Computed, evaluate } from "./evaluation.ts";
import { tryParse } from "./expression.ts";
import { groupRows } from "./grouping.ts";
import { formatAutomatic } from "./number-format.ts";
import { type JsonObject, toIntegers, toObject, toText } from "./json-value.ts";
import { chain, type Comparator, createComparator } from "./sort-criteria.ts";

interface OrderRequest {
  readonly definition: JsonObject;
  readonly dimensions: readonly CubeDimension[];
  readonly measures: readonly CubeMeasure[];
  readonly source: CubeSource;
}

/** Sorts the groups of a cube column by column, in the order that `qInterColumnSortOrder` gives. */
export function orderGroups(
  groups: readonly number[],
  request: OrderRequest,
): { readonly order: readonly number[]; readonly sortOrder: readonly number[] } {
  const { dimensions, measures } = request;
  const columnCount = dimensions.length + measures.length;
  const given = toIntegers(request.definition["qInterColumnSortOrder"]).filter(
    (column, index, all) => column >= 0 && column < columnCount && all.indexOf(column) === index,
  );
  const rest = Array.from({ length: columnCount }, (_, column) => column).filter(
    (column) => !given.includes(column),
  );
  const sortOrder = [...given, ...rest];
  const steps = sortOrder.map((column) => {
    const dimension = dimensions[column];
    if (dimension !== undefined) return dimensionOrder(dimension, request.source);
    return measureOrder(measures[column - dimensions.length] as CubeMeasure);
  });
  return { order: [...groups].sort(chain([othersLast(dimensions), ...steps])), sortOrder };
}

/** The row of other values comes last however the rest is sorted. */
function othersLast(dimensions: readonly CubeDimension[]): Comparator {
  const isOthers = (group: number): number => Number(dimensions[0]?.codes[group] === OTHERS_CODE);
  return (left, right) => isOthers(left) - isOthers(right);
}

function dimensionOrder(dimension: CubeDimension, source: CubeSource): Comparator {
  const { column, codes, definition, field } = dimension;
  if (column === undefined) return () => 0;
  const states = source.association.states(field);
  const frequencies = source.association.frequencies(field);
  const expression = expressionByCode(dimension, source);
  const byCode = createComparator(definition.sortCriteria, {
    text: (code) => column.values[code]?.text ?? "",
    number: (code) => column.numbers[code] ?? Number.NaN,
    loadOrder: (code) => code,
    frequency: (code) => frequencies[code] ?? 0,
    state: (code) => states[code] ?? "X",
    ...(expression === undefined ? {} : { expression }),
  });
  const direction = definition.inner["qReverseSort"] === true ? -1 : 1;
  const size = column.values.length;
  return (left, right) => {
    const a = codes[left] as number;
    const b = codes[right] as number;
    // Null comes last whichever way the values are sorted.
    if (a >= size || b >= size) return Number(a >= size) - Number(b >= size);
    return direction * byCode(a, b);
  };
}

/** The value of a dimension's sort expression, by value code. */
function expressionByCode(
  dimension: CubeDimension,
  source: CubeSource,
): ((code: number) => number) | undefined {
  const text = toText(toObject(toObject(dimension.definition.sortCriteria)["qExpression"])["qv"]);
  const expression = text === "" ? undefined : tryParse(text);
  if (expression === undefined || dimension.column === undefined) return undefined;
  const grouping = groupRows(source.rows, [dimension.column]);
  const { numbers } = evaluate(expression, grouping, source.table);
  const byCode = new Map<number, number>();
  grouping.codes[0]?.forEach((code, group) => byCode.set(code, numbers[group] as number));
  return (code) => byCode.get(code) ?? Number.NaN;
}

function measureOrder(measure: CubeMeasure): Comparator {
  const { values, definition } = measure;
  const direction = definition.inner["qReverseSort"] === true ? -1 : 1;
  const compare = createComparator(definition.given["qSortBy"], {
    number: (group) => values.numbers[group] as number,
    text: (group) => textOf(values, group),
  });
  return (left, right) => direction * compare(left, right);
}

function textOf(values: Computed, group: number): string {
  return values.texts?.[group] ?? formatAutomatic(values.numbers[group] as number);
}
