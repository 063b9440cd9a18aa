import type { Cube, CubeAttribute, CubeDimension, CubeMeasure } from "./cube.ts";
import { OTHERS_CODE, othersLabel } from "./cube-others.ts";
import type { Computed } from "./evaluation.ts";
import { type Json, type JsonObject, toIntegers, toNumber, toObject } from "./json-value.ts";
import { formatAutomatic, formatNumber } from "./number-format.ts";

/** The most cells one request for pages may ask for (facts §5.4). */
const PAGE_CELL_LIMIT = 10_000;

/** A part of a table of cells. */
export interface PageArea {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Reads an `NxPage`; members that are left out are zero (facts §5.4). */
export function readPage(page: Json): PageArea {
  const { qLeft, qTop, qWidth, qHeight } = toObject(page);
  const [left, top, width, height] = [qLeft, qTop, qWidth, qHeight].map((member) =>
    Math.max(0, Math.trunc(toNumber(member))),
  ) as [number, number, number, number];
  return { left, top, width, height };
}

/** True when the pages together ask for more cells than the engine gives at once. */
export function isTooLarge(pages: readonly PageArea[]): boolean {
  return pages.reduce((sum, { width, height }) => sum + width * height, 0) > PAGE_CELL_LIMIT;
}

/** Cuts a page of rows out of a cube, in the order its `qColumnOrder` gives. */
export function cutPage(cube: Cube, area: PageArea): JsonObject {
  const rows = cube.order.slice(area.top, area.top + area.height);
  const columns = shownColumns(cube).slice(area.left, area.left + area.width);
  return toPage(cube, rows, { left: area.left, top: area.top, columns });
}

/**
 * Cuts a page out of a cube that has more rows than fit, keeping in each stretch of rows the one
 * with the lowest and the one with the highest first measure.
 */
export function cutReducedPage(cube: Cube, area: PageArea): JsonObject {
  const measure = cube.measures[0];
  if (cube.order.length <= area.height || measure === undefined || area.height < 2)
    return cutPage(cube, area);
  const stretches = Math.floor(area.height / 2);
  const kept: number[] = [];
  for (let stretch = 0; stretch < stretches; stretch += 1) {
    const start = Math.floor((stretch * cube.order.length) / stretches);
    const end = Math.floor(((stretch + 1) * cube.order.length) / stretches);
    kept.push(...extremes(cube.order.slice(start, end), measure.values));
  }
  const columns = shownColumns(cube).slice(area.left, area.left + area.width);
  return { ...toPage(cube, kept, { left: area.left, top: 0, columns }), qIsReduced: true };
}

/** The columns of a cube, dimensions first, in the order they are shown. */
function shownColumns(cube: Cube): readonly number[] {
  const count = cube.dimensions.length + cube.measures.length;
  const natural = Array.from({ length: count }, (_, column) => column);
  const given = toIntegers(cube.definition["qColumnOrder"]).filter((column) => column >= 0 && column < count);
  return given.length === 0 ? natural : [...given, ...natural.filter((column) => !given.includes(column))];
}

/** The grand totals, one cell per measure. */
export function totalCells(cube: Cube): readonly JsonObject[] {
  return cube.measures.map((measure) => ({
    ...numberCell(measure.total, 0, measure.definition.format),
    qElemNumber: -1,
    qState: "X",
    qIsTotalCell: true,
  }));
}

function toPage(
  cube: Cube,
  groups: readonly number[],
  place: { readonly left: number; readonly top: number; readonly columns: readonly number[] },
): JsonObject {
  const columns = place.columns.map((column) => {
    const dimension = cube.dimensions[column];
    if (dimension !== undefined) return dimensionCells(cube, dimension);
    return measureCells(cube.measures[column - cube.dimensions.length] as CubeMeasure);
  });
  return {
    qMatrix: groups.map((group) => columns.map((cell) => cell(group))),
    qTails: [{ qUp: 0, qDown: 0 }],
    qArea: { qLeft: place.left, qTop: place.top, qWidth: place.columns.length, qHeight: groups.length },
  };
}

function dimensionCells(cube: Cube, dimension: CubeDimension): (group: number) => JsonObject {
  const { column, codes, field } = dimension;
  const states = cube.association.states(field);
  return (group) => {
    const code = codes[group] as number;
    const value = column?.values[code];
    const attributes = attributeCells(dimension.attributes, group);
    if (code === OTHERS_CODE) {
      const qText = othersLabel(dimension.definition);
      return { qText, qNum: "NaN", qElemNumber: -3, qState: "L", qIsOtherCell: true, ...attributes };
    }
    if (value === undefined) {
      return { qText: "-", qNum: "NaN", qElemNumber: -2, qState: "L", qIsNull: true, ...attributes };
    }
    const state = states[code] ?? "X";
    return { qText: value.text, qNum: toNum(value.number), qElemNumber: code, qState: state, ...attributes };
  };
}

function measureCells(measure: CubeMeasure): (group: number) => JsonObject {
  return (group) => ({
    ...numberCell(measure.values, group, measure.definition.format),
    qElemNumber: 0,
    qState: "L",
    ...attributeCells(measure.attributes, group),
  });
}

function numberCell(values: Computed, group: number, format: Json | undefined): JsonObject {
  const number = values.numbers[group] as number;
  const text = values.texts?.[group] ?? null;
  if (text !== null) return { qText: text, qNum: toNum(number) };
  if (Number.isNaN(number)) return { qText: "-", qNum: "NaN", qIsNull: true };
  return { qText: formatNumber(number, format), qNum: number };
}

function attributeCells(attributes: readonly CubeAttribute[], group: number): JsonObject {
  if (attributes.length === 0) return {};
  const qValues = attributes.map(({ values }) => {
    const number = values.numbers[group] as number;
    const text = values.texts?.[group] ?? (Number.isNaN(number) ? undefined : formatAutomatic(number));
    return { ...(text === undefined ? {} : { qText: text }), qNum: toNum(number) };
  });
  return { qAttrExps: { qValues } };
}

/** The engine writes "no number" as the text `NaN`. */
export function toNum(number: number): number | string {
  return Number.isFinite(number) ? number : "NaN";
}

function extremes(groups: readonly number[], values: Computed): readonly number[] {
  let [low, high] = [0, 0];
  groups.forEach((group, index) => {
    const number = values.numbers[group] as number;
    if (number < (values.numbers[groups[low] as number] as number)) low = index;
    if (number > (values.numbers[groups[high] as number] as number)) high = index;
  });
  const places = low === high ? [low] : [Math.min(low, high), Math.max(low, high)];
  return places.map((place) => groups[place] as number);
}
