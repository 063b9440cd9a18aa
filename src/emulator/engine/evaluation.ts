import { type Column, type FieldValue, NULL_CODE } from "./column.ts";
import { type Expression, fieldsOf } from "./expression.ts";
import { groupAll, type Grouping } from "./grouping.ts";
import { formatAutomatic } from "./number-format.ts";
import type { Table } from "./table.ts";

type Aggregation = Extract<Expression, { kind: "aggregation" }>;

/** One value per group. */
export interface Computed {
  /** `NaN` where the value is text or null. */
  readonly numbers: Float64Array;
  /** Set when the expression can give text; `null` where the number decides. */
  readonly texts?: readonly (string | null)[];
}

/** Evaluates an expression once per group. One that reads a field that does not exist is null. */
export function evaluate(expression: Expression, grouping: Grouping, table: Table): Computed {
  switch (expression.kind) {
    case "number":
      return { numbers: new Float64Array(grouping.count).fill(expression.value) };
    case "text":
      return {
        numbers: new Float64Array(grouping.count).fill(Number.NaN),
        texts: Array.from({ length: grouping.count }, () => expression.value),
      };
    case "field":
      return onlyValue(table.columns.get(expression.name), grouping);
    case "negate":
      return { numbers: evaluate(expression.operand, grouping, table).numbers.map((number) => -number) };
    case "binary":
      return combine(
        expression.operator,
        evaluate(expression.left, grouping, table),
        evaluate(expression.right, grouping, table),
      );
    case "aggregation":
      return aggregate(expression, grouping, table);
  }
}

/** Evaluates an expression over all the given rows as one value. */
export function evaluateOne(expression: Expression, rows: Uint32Array, table: Table): FieldValue {
  const computed = evaluate(expression, groupAll(rows), table);
  const number = computed.numbers[0] as number;
  return { text: computed.texts?.[0] ?? (Number.isNaN(number) ? "-" : formatAutomatic(number)), number };
}

function aggregate(expression: Aggregation, grouping: Grouping, table: Table): Computed {
  if (expression.total) {
    const whole = aggregate({ ...expression, total: false }, groupAll(grouping.rows), table);
    const texts = whole.texts;
    const numbers = new Float64Array(grouping.count).fill(whole.numbers[0] as number);
    return texts === undefined
      ? { numbers }
      : { numbers, texts: Array.from(numbers, () => texts[0] ?? null) };
  }
  const { argument } = expression;
  if (fieldsOf(argument).some((field) => !table.columns.has(field))) {
    return { numbers: new Float64Array(grouping.count).fill(Number.NaN) };
  }
  const column = argument.kind === "field" ? table.columns.get(argument.name) : undefined;
  if (expression.name === "only" && argument.kind === "field") return onlyValue(column, grouping);
  const values = rowNumbers(argument, grouping.rows, table);
  const present =
    expression.name === "count" && argument.kind === "field"
      ? presence(column, grouping.rows)
      : Uint8Array.from(values, (value) => (Number.isNaN(value) ? 0 : 1));
  if (expression.distinct) keepFirst(present, grouping, column, values);
  return { numbers: fold(expression.name, grouping, values, present) };
}

function fold(name: string, grouping: Grouping, values: Float64Array, present: Uint8Array): Float64Array {
  const { count, groupOf } = grouping;
  const seen = new Uint32Array(count);
  const result = new Float64Array(count);
  for (let index = 0; index < groupOf.length; index += 1) {
    if (present[index] === 0) continue;
    const group = groupOf[index] as number;
    const value = values[index] as number;
    const before = result[group] as number;
    const first = seen[group] === 0;
    seen[group] = (seen[group] as number) + 1;
    if (name === "min") result[group] = first ? value : Math.min(before, value);
    else if (name === "max") result[group] = first ? value : Math.max(before, value);
    else if (name === "only") result[group] = first || before === value ? value : Number.NaN;
    else result[group] = before + value;
  }
  if (name === "count") return Float64Array.from(seen);
  // The sum of nothing is 0; every other aggregation of nothing is null.
  if (name === "sum") return result;
  return result.map((value, group) => {
    if (seen[group] === 0) return Number.NaN;
    return name === "avg" ? value / (seen[group] as number) : value;
  });
}

/** Clears the mark of every row whose value its group has had already. */
function keepFirst(
  present: Uint8Array,
  grouping: Grouping,
  column: Column | undefined,
  values: Float64Array,
): void {
  const seen = Array.from({ length: grouping.count }, () => new Set<number>());
  present.forEach((mark, index) => {
    if (mark === 0) return;
    const group = seen[grouping.groupOf[index] as number] as Set<number>;
    const value = (
      column === undefined ? values[index] : column.codes[grouping.rows[index] as number]
    ) as number;
    if (group.has(value)) present[index] = 0;
    else group.add(value);
  });
}

function presence(column: Column | undefined, rows: Uint32Array): Uint8Array {
  return Uint8Array.from(rows, (row) => (column === undefined || column.codes[row] === NULL_CODE ? 0 : 1));
}

/** The value of an expression without aggregations in each row; `NaN` for text and null. */
function rowNumbers(expression: Expression, rows: Uint32Array, table: Table): Float64Array {
  const numbers = new Float64Array(rows.length);
  switch (expression.kind) {
    case "number":
      return numbers.fill(expression.value);
    case "field": {
      const column = table.columns.get(expression.name);
      if (column === undefined) return numbers.fill(Number.NaN);
      for (let index = 0; index < rows.length; index += 1) {
        numbers[index] = column.numbers[column.codes[rows[index] as number] as number] ?? Number.NaN;
      }
      return numbers;
    }
    case "negate":
      return rowNumbers(expression.operand, rows, table).map((number) => -number);
    case "binary": {
      const left = rowNumbers(expression.left, rows, table);
      const right = rowNumbers(expression.right, rows, table);
      return left.map((number, index) => arithmetic(expression.operator, number, right[index] as number));
    }
    default:
      return numbers.fill(Number.NaN);
  }
}

/** The one value each group holds in a field; null where it holds none or several. */
function onlyValue(column: Column | undefined, grouping: Grouping): Computed {
  const codes = new Float64Array(grouping.count).fill(NULL_CODE);
  const several = new Uint8Array(grouping.count);
  grouping.groupOf.forEach((group, index) => {
    const code = column?.codes[grouping.rows[index] as number] ?? NULL_CODE;
    if (code === NULL_CODE) return;
    if (codes[group] === NULL_CODE) codes[group] = code;
    else if (codes[group] !== code) several[group] = 1;
  });
  const values = Array.from(codes, (code, group) =>
    several[group] === 1 ? undefined : column?.values[code],
  );
  return {
    numbers: Float64Array.from(values, (value) => value?.number ?? Number.NaN),
    texts: values.map((value) => value?.text ?? null),
  };
}

function combine(operator: string, left: Computed, right: Computed): Computed {
  if (operator !== "&") {
    return {
      numbers: left.numbers.map((number, group) =>
        arithmetic(operator, number, right.numbers[group] as number),
      ),
    };
  }
  const texts = Array.from(left.numbers, (_, group) => textOf(left, group) + textOf(right, group));
  return { numbers: new Float64Array(texts.length).fill(Number.NaN), texts };
}

function textOf(computed: Computed, group: number): string {
  const number = computed.numbers[group] as number;
  return computed.texts?.[group] ?? (Number.isNaN(number) ? "" : formatAutomatic(number));
}

function arithmetic(operator: string, left: number, right: number): number {
  if (operator === "+") return left + right;
  if (operator === "-") return left - right;
  if (operator === "*") return left * right;
  // The engine gives null, not infinity, for a division by zero.
  return right === 0 ? Number.NaN : left / right;
}
