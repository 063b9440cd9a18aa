import type { Association, ValueState } from "./association.ts";
import type { Column } from "./column.ts";
import type { Cube, CubeAttribute, CubeDimension, CubeMeasure } from "./cube.ts";
import { cutPage, isTooLarge, readPage, toNum, totalCells } from "./cube-page.ts";
import { OTHERS_CODE } from "./cube-others.ts";
import { cutStackPage, stackSize } from "./cube-stack.ts";
import { type DimensionDefinition, ownMembers, toFieldName } from "./definition.ts";
import { type Json, type JsonObject, toIntegers, toList, toText } from "./json-value.ts";
import { ERROR } from "./rpc-error.ts";
import { sortIndicator } from "./sort-criteria.ts";

const AUTOMATIC_FORMAT: JsonObject = { qType: "U", qnDec: 0, qUseThou: 0 };

/** The `qHyperCube` of a layout. */
export function cubeLayout(cube: Cube): JsonObject {
  const { definition, dimensions, measures } = cube;
  const pages = toList(definition["qInitialDataFetch"]).map(readPage);
  const error = cubeError(cube) ?? (isTooLarge(pages) ? ERROR.pagesTooLarge : undefined);
  const shown = error === undefined ? pages.filter(({ width, height }) => width * height > 0) : [];
  const isStacked = definition["qMode"] === "K";
  const size = isStacked
    ? stackSize(cube)
    : { rows: cube.order.length, columns: dimensions.length + measures.length };
  return {
    ...ownMembers(definition),
    qSize: { qcx: size.columns, qcy: size.rows },
    ...(error === undefined ? {} : { qError: { qErrorCode: error } }),
    qDimensionInfo: dimensions.map((dimension) => dimensionLayout(cube, dimension)),
    qMeasureInfo: measures.map((measure) => measureLayout(cube, measure)),
    qEffectiveInterColumnSortOrder: cube.sortOrder,
    qGrandTotalRow: totalCells(cube),
    qDataPages: isStacked ? [] : shown.map((page) => cutPage(cube, page)),
    ...(dimensions[0]?.codes.includes(OTHERS_CODE) === true ? { qHasOtherValues: true } : {}),
    qPivotDataPages: [],
    qStackedDataPages: isStacked ? shown.map((page) => cutStackPage(cube, page)) : [],
    qMode: definition["qMode"] ?? "S",
    qNoOfLeftDims: definition["qNoOfLeftDims"] ?? -1,
    qTreeNodesOnDim: [],
    qColumnOrder: toIntegers(definition["qColumnOrder"]),
    ...(definition["qTitle"] === undefined ? {} : { qTitle: definition["qTitle"] }),
  };
}

function cubeError({ dimensions, measures }: Cube): number | undefined {
  if (dimensions.some(({ definition }) => definition.missing)) return ERROR.notInLibrary;
  if (dimensions.some(({ column }) => column === undefined)) return ERROR.invalidDefinition;
  if (measures.some(({ definition }) => definition.missing)) return ERROR.notInLibrary;
  return undefined;
}

function dimensionLayout(cube: Cube, dimension: CubeDimension): JsonObject {
  const { definition, column, field } = dimension;
  const error = definition.missing ? ERROR.notInLibrary : ERROR.invalidDefinition;
  return {
    ...dimensionInfo(definition, column, cube.association),
    ...(column === undefined ? { qError: { qErrorCode: error } } : {}),
    qCardinalities: {
      qCardinal: column?.values.length ?? 0,
      qHypercubeCardinal: new Set(cube.order.map((group) => dimension.codes[group])).size,
      qAllValuesCardinal: -1,
    },
    qAttrExprInfo: attributeLayout(dimension.attributes),
    qLocked: cube.association.states(field).some((state) => state === "L"),
  };
}

/** What hypercubes and list objects both say of a dimension. */
export function dimensionInfo(
  definition: DimensionDefinition,
  column: Column | undefined,
  association: Association,
): JsonObject {
  const { inner, fieldDefs } = definition;
  const states = column === undefined ? [] : association.states(column.name);
  const range = rangeOf(
    states.flatMap((state, code) => (state.startsWith("X") ? [] : [column?.numbers[code] ?? NaN])),
  );
  return {
    ...ownMembers(inner),
    qFallbackTitle: definition.title,
    qApprMaxGlyphCount: longestText(column),
    qCardinal: column?.values.length ?? 0,
    qSortIndicator: sortIndicator(definition.sortCriteria, inner["qReverseSort"] === true),
    qGroupFallbackTitles: fieldDefs.length > 1 ? fieldDefs.map(toFieldName) : [definition.title],
    qGroupPos: definition.activeField,
    qStateCounts: stateCounts(states),
    qTags: column?.tags ?? [],
    qDimensionType: dimensionType(column),
    qReverseSort: inner["qReverseSort"] === true,
    qGrouping: inner["qGrouping"] ?? "N",
    qNumFormat: AUTOMATIC_FORMAT,
    qIsAutoFormat: true,
    qGroupFieldDefs: fieldDefs,
    qMin: toNum(range.low),
    qMax: toNum(range.high),
    qAttrExprInfo: [],
    qAttrDimInfo: [],
    ...(definition.given["qLibraryId"] === undefined ? {} : { qLibraryId: definition.given["qLibraryId"] }),
  };
}

function measureLayout(cube: Cube, measure: CubeMeasure): JsonObject {
  const { definition, expression } = measure;
  const { format, given, inner } = definition;
  const range = rangeOf(cube.order.map((group) => measure.values.numbers[group] as number));
  const error = definition.missing ? ERROR.notInLibrary : ERROR.invalidDefinition;
  return {
    ...ownMembers(inner),
    qFallbackTitle: definition.title,
    qApprMaxGlyphCount: Math.max(String(toNum(range.low)).length, String(toNum(range.high)).length),
    qCardinal: 0,
    ...(expression === undefined ? { qError: { qErrorCode: error } } : {}),
    qSortIndicator: sortIndicator(given["qSortBy"], inner["qReverseSort"] === true),
    qNumFormat: format ?? AUTOMATIC_FORMAT,
    qMin: toNum(range.low),
    qMax: toNum(range.high),
    qIsAutoFormat: inner["qIsAutoFormat"] ?? true,
    qReverseSort: inner["qReverseSort"] === true,
    qAttrExprInfo: attributeLayout(measure.attributes),
    qAttrDimInfo: [],
    qTrendLines: [],
    ...(given["qLibraryId"] === undefined ? {} : { qLibraryId: given["qLibraryId"] }),
  };
}

function attributeLayout(attributes: readonly CubeAttribute[]): readonly JsonObject[] {
  return attributes.map(({ given, values }) => {
    const range = rangeOf(values.numbers);
    return {
      ...ownMembers(given),
      qFallbackTitle: toText(given["qExpression"]),
      qMin: toNum(range.low),
      qMax: toNum(range.high),
      ...(given["qAttribute"] === undefined ? {} : { qAttribute: given["qAttribute"] }),
    };
  });
}

function rangeOf(numbers: Iterable<number>): { readonly low: number; readonly high: number } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const number of numbers) {
    if (number < low) low = number;
    if (number > high) high = number;
  }
  return { low, high };
}

function longestText(column: Column | undefined): number {
  return (column?.values ?? []).reduce((longest, { text }) => Math.max(longest, text.length), 0);
}

/** `T` for dates, `N` for numbers, `D` (discrete) for text and for calendar parts with names. */
function dimensionType(column: Column | undefined): Json {
  if (column?.tags.includes("$date") === true) return "T";
  return column?.tags.includes("$numeric") === true && !column.tags.includes("$calendar") ? "N" : "D";
}

function stateCounts(states: readonly ValueState[]): JsonObject {
  const count = (wanted: ValueState): number => states.filter((state) => state === wanted).length;
  return {
    qLocked: count("L"),
    qSelected: count("S"),
    qOption: count("O"),
    qDeselected: 0,
    qAlternative: count("A"),
    qExcluded: count("X"),
    qSelectedExcluded: count("XS"),
    qLockedExcluded: count("XL"),
  };
}
