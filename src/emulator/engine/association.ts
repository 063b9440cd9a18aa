import { type Column, NULL_CODE } from "./column.ts";
import type { Selections } from "./selections.ts";
import { allRows, type Table } from "./table.ts";

/**
 * State of a field value: selected, optional, alternative, excluded, selected but excluded by
 * another field, locked, locked but excluded.
 */
export type ValueState = "S" | "O" | "A" | "X" | "XS" | "L" | "XL";

/** What a set of selections leaves possible in a table. */
export interface Association {
  /** The rows that every selection allows. */
  readonly rows: Uint32Array;
  /** The state of each value of a field, by element number. */
  states(field: string): readonly ValueState[];
  /** How many possible rows hold each value of a field, by element number. */
  frequencies(field: string): Uint32Array;
}

/** No selection refuses the row. */
const ALLOWED = 0xffff;
/** More than one selection refuses the row. */
const REFUSED = 0xfffe;

/** Computes which rows and values the selections leave possible. */
export function associate(table: Table, selections: Selections): Association {
  const fields = [...selections.keys()].filter((field) => table.columns.has(field));
  const refusal = findRefusals(table, selections, fields);
  const rows = refusal === undefined ? allRows(table) : Uint32Array.from(rowsWhere(refusal, ALLOWED));
  const counts = new Map<string, Uint32Array>();
  const states = new Map<string, readonly ValueState[]>();
  function frequencies(field: string): Uint32Array {
    return remember(counts, field, () => countValues(table.columns.get(field), rows));
  }
  function possible(field: string, column: Column): Uint32Array {
    const index = fields.indexOf(field);
    if (refusal === undefined || index < 0) return frequencies(field);
    // A field does not exclude its own values: rows that only it refuses count as well.
    const others = Uint32Array.from(rowsWhere(refusal, ALLOWED, index));
    return countValues(column, others);
  }
  return {
    rows,
    frequencies,
    states(field) {
      return remember(states, field, () => {
        const column = table.columns.get(field);
        if (column === undefined) return [];
        const counted = possible(field, column);
        const selection = selections.get(field);
        return column.values.map((_, code) => {
          const isPossible = (counted[code] as number) > 0;
          if (selection === undefined) return isPossible ? "O" : "X";
          if (!selection.values.has(code)) return isPossible && !selection.locked ? "A" : "X";
          if (selection.locked) return isPossible ? "L" : "XL";
          return isPossible ? "S" : "XS";
        });
      });
    },
  };
}

/** Per row: which selected field refuses it, when exactly one does. */
function findRefusals(
  table: Table,
  selections: Selections,
  fields: readonly string[],
): Uint16Array | undefined {
  if (fields.length === 0) return undefined;
  const refusal = new Uint16Array(table.rowCount).fill(ALLOWED);
  fields.forEach((field, index) => {
    const column = table.columns.get(field) as Column;
    const selected = selections.get(field)?.values ?? new Set();
    const allowed = Uint8Array.from(column.values, (_, code) => (selected.has(code) ? 1 : 0));
    for (let row = 0; row < refusal.length; row += 1) {
      if (allowed[column.codes[row] as number] === 1) continue;
      refusal[row] = refusal[row] === ALLOWED ? index : REFUSED;
    }
  });
  return refusal;
}

function* rowsWhere(refusal: Uint16Array, ...accepted: readonly number[]): Generator<number> {
  for (let row = 0; row < refusal.length; row += 1) {
    if (accepted.includes(refusal[row] as number)) yield row;
  }
}

function countValues(column: Column | undefined, rows: Uint32Array): Uint32Array {
  const counts = new Uint32Array(column?.values.length ?? 0);
  if (column === undefined) return counts;
  for (const row of rows) {
    const code = column.codes[row] as number;
    if (code !== NULL_CODE) counts[code] = (counts[code] as number) + 1;
  }
  return counts;
}

function remember<T>(known: Map<string, T>, key: string, make: () => T): T {
  let value = known.get(key);
  if (value === undefined) {
    value = make();
    known.set(key, value);
  }
  return value;
}

/** True for a state that lets the value take part in calculations. */
export function isPossible(state: ValueState): boolean {
  return state === "S" || state === "O" || state === "L";
}
