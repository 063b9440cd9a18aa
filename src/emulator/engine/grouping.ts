import { type Column, NULL_CODE } from "./column.ts";

/** Rows of a table, each assigned to one of `count` groups. */
export interface Grouping {
  readonly count: number;
  readonly rows: Uint32Array;
  /** The group of each entry of `rows`. */
  readonly groupOf: Uint32Array;
}

/** A grouping by field values, with each group's value code in each field. */
export interface ValueGrouping extends Grouping {
  /** One list per field, indexed by group. */
  readonly codes: readonly Uint32Array[];
}

/** Up to this many combinations are looked up in a flat list, beyond it in a map. */
const FLAT_LIMIT = 4_194_304;

/** Puts every row into one group: the grand total. */
export function groupAll(rows: Uint32Array): Grouping {
  return { count: 1, rows, groupOf: new Uint32Array(rows.length) };
}

/** Groups rows by the values they hold in the given fields, in order of first appearance. */
export function groupRows(rows: Uint32Array, columns: readonly Column[]): ValueGrouping {
  let grouping = groupAll(rows);
  for (const column of columns) grouping = refine(grouping, column);
  const firstRow = new Uint32Array(grouping.count);
  for (let index = rows.length - 1; index >= 0; index -= 1) {
    firstRow[grouping.groupOf[index] as number] = rows[index] as number;
  }
  const codes = columns.map((column) => firstRow.map((row) => column.codes[row] as number));
  return { ...grouping, codes };
}

function refine(grouping: Grouping, column: Column): Grouping {
  const { rows } = grouping;
  const width = column.values.length + 1;
  const number = createNumbering(grouping.count * width);
  const groupOf = new Uint32Array(rows.length);
  for (let index = 0; index < rows.length; index += 1) {
    const code = column.codes[rows[index] as number] as number;
    const slot = code === NULL_CODE ? width - 1 : code;
    groupOf[index] = number.of((grouping.groupOf[index] as number) * width + slot);
  }
  return { count: number.count(), rows, groupOf };
}

/** Numbers keys from 0 in order of first appearance. */
function createNumbering(size: number): { of: (key: number) => number; count: () => number } {
  let count = 0;
  if (size <= FLAT_LIMIT) {
    const flat = new Int32Array(size).fill(-1);
    return {
      of(key) {
        let number = flat[key] as number;
        if (number < 0) {
          number = count++;
          flat[key] = number;
        }
        return number;
      },
      count: () => count,
    };
  }
  const map = new Map<number, number>();
  return {
    of(key) {
      let number = map.get(key);
      if (number === undefined) {
        number = count++;
        map.set(key, number);
      }
      return number;
    },
    count: () => count,
  };
}
