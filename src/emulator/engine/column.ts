/** One distinct value of a field: text, and a number when it has one (dates and months have both). */
export interface FieldValue {
  readonly text: string;
  /** `NaN` when the value is text only. */
  readonly number: number;
}

/** What is put into a column: a number, a text, both, or nothing (null). */
export type CellInput = number | string | FieldValue | null;

/** The code of a cell that holds no value. */
export const NULL_CODE = 0xffff_ffff;

/** A field, dictionary-encoded: each row holds the number of its value in load order (the engine's element number). */
export interface Column {
  readonly name: string;
  /** Tags as the engine lists them, e.g. `$numeric`. */
  readonly tags: readonly string[];
  readonly values: readonly FieldValue[];
  /** The numbers of `values`, for fast sums. */
  readonly numbers: Float64Array;
  readonly codes: Uint32Array;
}

/** Fills one column row by row. */
export class ColumnBuilder {
  readonly name: string;
  readonly #extraTags: readonly string[];
  readonly #values: FieldValue[] = [];
  readonly #codes: number[] = [];
  readonly #known = new Map<string | number, number>();

  constructor(name: string, extraTags: readonly string[] = []) {
    this.name = name;
    this.#extraTags = extraTags;
  }

  /** Adds the cell of the next row. */
  add(input: CellInput): void {
    this.#codes.push(input === null ? NULL_CODE : this.#encode(toValue(input)));
  }

  /** The finished column. */
  build(): Column {
    const numbers = Float64Array.from(this.#values, (value) => value.number);
    const numeric = this.#values.length > 0 && numbers.every((number) => !Number.isNaN(number));
    return {
      name: this.name,
      tags: [...(numeric ? numericTags(numbers) : ["$ascii", "$text"]), ...this.#extraTags],
      values: this.#values,
      numbers,
      codes: Uint32Array.from(this.#codes),
    };
  }

  #encode(value: FieldValue): number {
    const key = Number.isNaN(value.number) ? value.text : value.number;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const code = this.#values.length;
    this.#values.push(value);
    this.#known.set(key, code);
    return code;
  }
}

function toValue(input: number | string | FieldValue): FieldValue {
  if (typeof input === "number") return { text: String(input), number: input };
  if (typeof input === "string") return { text: input, number: Number.NaN };
  return input;
}

function numericTags(numbers: Float64Array): readonly string[] {
  return numbers.every((number) => Number.isInteger(number)) ? ["$numeric", "$integer"] : ["$numeric"];
}

/** Keeps the given rows of a column and forgets every value that none of them holds. */
export function reduceColumn(column: Column, rows: Uint32Array): Column {
  const renumbered = new Map<number, number>();
  const values: FieldValue[] = [];
  const codes = new Uint32Array(rows.length);
  for (let index = 0; index < rows.length; index += 1) {
    const code = column.codes[rows[index] as number] as number;
    codes[index] = code === NULL_CODE ? NULL_CODE : renumber(code);
  }
  function renumber(code: number): number {
    let fresh = renumbered.get(code);
    if (fresh === undefined) {
      fresh = values.length;
      renumbered.set(code, fresh);
      values.push(column.values[code] as FieldValue);
    }
    return fresh;
  }
  return { ...column, values, codes, numbers: Float64Array.from(values, (value) => value.number) };
}
