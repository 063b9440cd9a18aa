import { type Association, isPossible, type ValueState } from "./association.ts";
import type { Column } from "./column.ts";
import { dimensionInfo } from "./cube-layout.ts";
import { isTooLarge, type PageArea, readPage, toNum } from "./cube-page.ts";
import {
  type DimensionDefinition,
  type Library,
  ownMembers,
  readDimension,
  toFieldName,
} from "./definition.ts";
import { type JsonObject, toList, toText } from "./json-value.ts";
import { ERROR } from "./rpc-error.ts";
import { createComparator } from "./sort-criteria.ts";
import type { Table } from "./table.ts";

/** A list object, computed and sorted. */
export interface ListObject {
  readonly definition: JsonObject;
  readonly dimension: DimensionDefinition;
  readonly field: string;
  readonly column: Column | undefined;
  readonly association: Association;
  /** Element numbers in the order of the list, without those that a search leaves out. */
  readonly order: readonly number[];
}

/** Computes a list object from a `qListObjectDef`; `search` leaves only the values that match it. */
export function computeListObject(
  definition: JsonObject,
  source: {
    readonly table: Table;
    readonly association: Association;
    /** Whose states and frequencies decide the order. */
    readonly sortedBy: Association;
    readonly library: Library;
  },
  search = "",
): ListObject {
  const { table, association, sortedBy, library } = source;
  const dimension = readDimension(definition, library);
  const field = toFieldName(dimension.fieldDefs[dimension.activeField] ?? "");
  const column = table.columns.get(field);
  const order = column === undefined ? [] : sortValues(column, dimension, sortedBy);
  const matches = column === undefined || search === "" ? undefined : new Set(searchValues(column, search));
  const shown = matches === undefined ? order : order.filter((code) => matches.has(code));
  return { definition, dimension, field, column, association, order: shown };
}

function sortValues(
  column: Column,
  dimension: DimensionDefinition,
  association: Association,
): readonly number[] {
  const states = association.states(column.name);
  const frequencies = association.frequencies(column.name);
  const compare = createComparator(dimension.sortCriteria, {
    text: (code) => column.values[code]?.text ?? "",
    number: (code) => column.numbers[code] ?? Number.NaN,
    loadOrder: (code) => code,
    frequency: (code) => frequencies[code] ?? 0,
    state: (code) => states[code] ?? "X",
  });
  const direction = dimension.inner["qReverseSort"] === true ? -1 : 1;
  return column.values.map((_, code) => code).sort((left, right) => direction * compare(left, right));
}

/**
 * The element numbers a search text finds: words anywhere in the text, `*` and `?` as wildcards over
 * the whole text, `>10`, `<=5` and the like on numbers.
 */
export function searchValues(column: Column, search: string): readonly number[] {
  const matches = createMatcher(search.trim());
  return column.values.flatMap((value, code) => (matches(value) ? [code] : []));
}

function createMatcher(
  search: string,
): (value: { readonly text: string; readonly number: number }) => boolean {
  const comparison = /^(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)$/.exec(search);
  if (comparison !== null) {
    const limit = Number(comparison[2]);
    const operator = comparison[1] as string;
    return ({ number }) => compareNumbers(number, operator, limit);
  }
  if (/[*?]/.test(search)) {
    const pattern = search.toLowerCase();
    return ({ text }) => matchesWildcards(text.toLowerCase(), pattern);
  }
  const words = search.toLowerCase().split(/\s+/);
  return ({ text }) => words.some((word) => text.toLowerCase().includes(word));
}

/** True when `*` (any text) and `?` (any one character) make the pattern the whole text; goes back to the last `*` only. */
function matchesWildcards(text: string, pattern: string): boolean {
  let [at, place, star, starAt] = [0, 0, -1, 0];
  while (at < text.length) {
    if (pattern[place] === "*") {
      star = place++;
      starAt = at;
    } else if (pattern[place] === "?" || pattern[place] === text[at]) {
      place += 1;
      at += 1;
    } else if (star >= 0) {
      place = star + 1;
      at = ++starAt;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(place));
}

function compareNumbers(number: number, operator: string, limit: number): boolean {
  if (operator === ">") return number > limit;
  if (operator === "<") return number < limit;
  return operator === ">=" ? number >= limit : number <= limit;
}

/** The `qListObject` of a layout. */
export function listObjectLayout(list: ListObject): JsonObject {
  const { definition, dimension, column, association } = list;
  const pages = toList(definition["qInitialDataFetch"]).map(readPage);
  const tooLarge = isTooLarge(pages);
  const states = column === undefined ? [] : association.states(column.name);
  const error = column === undefined ? ERROR.invalidDefinition : ERROR.pagesTooLarge;
  return {
    ...ownMembers(definition),
    qSize: { qcx: 1, qcy: list.order.length },
    ...(column === undefined || tooLarge ? { qError: { qErrorCode: error } } : {}),
    qDimensionInfo: {
      ...dimensionInfo(dimension, column, association),
      qCardinalities: {
        qCardinal: column?.values.length ?? 0,
        qHypercubeCardinal: list.order.length,
        qAllValuesCardinal: -1,
      },
      qLocked: states.some((state) => state === "L" || state === "XL"),
    },
    qExpressions: [],
    qDataPages: tooLarge ? [] : pages.map((page) => cutListPage(list, page)),
  };
}

/** Cuts a page out of a list object. */
export function cutListPage(list: ListObject, area: PageArea): JsonObject {
  const codes = list.order.slice(area.top, area.top + area.height);
  const states = list.association.states(list.field);
  const frequency = describeFrequency(list);
  return {
    qMatrix:
      area.width === 0 ? [] : codes.map((code) => [listCell(list, code, states[code] ?? "X", frequency)]),
    qTails: [],
    qArea: { qLeft: 0, qTop: area.top, qWidth: Math.min(1, area.width), qHeight: codes.length },
  };
}

function listCell(
  list: ListObject,
  code: number,
  state: ValueState,
  frequency: ((code: number) => string) | undefined,
): JsonObject {
  const value = list.column?.values[code];
  return {
    qText: value?.text ?? "-",
    qNum: toNum(value?.number ?? Number.NaN),
    qElemNumber: code,
    qState: state,
    ...(frequency === undefined || !isPossible(state) ? {} : { qFrequency: frequency(code) }),
  };
}

/** How `qFrequencyMode` shows counts: `V` absolute, `P` per cent, `R` relative to 1, otherwise not at all. */
function describeFrequency(list: ListObject): ((code: number) => string) | undefined {
  const mode = toText(list.definition["qFrequencyMode"], "N").slice(-1);
  if (!["V", "P", "R"].includes(mode)) return undefined;
  const counts = list.association.frequencies(list.field);
  const total = counts.reduce((sum, count) => sum + count, 0);
  return (code) => {
    const count = counts[code] ?? 0;
    if (mode === "V") return String(count);
    const share = total === 0 ? 0 : count / total;
    return mode === "P" ? `${(share * 100).toFixed(1)}%` : share.toFixed(3);
  };
}
