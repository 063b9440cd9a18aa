import type { ValueState } from "./association.ts";
import { type Json, toNumber, toObject } from "./json-value.ts";

/** Orders two positions; negative when the first comes first. */
export type Comparator = (left: number, right: number) => number;

/** What can be known of the things to sort, each by position. Criteria about what is missing order nothing. */
export interface SortSubject {
  readonly text?: (position: number) => string;
  readonly number?: (position: number) => number;
  readonly loadOrder?: (position: number) => number;
  readonly frequency?: (position: number) => number;
  readonly state?: (position: number) => ValueState;
  /** The value of the sort expression. */
  readonly expression?: (position: number) => number;
}

/** Selected before possible before excluded. */
const STATE_ORDER: Readonly<Record<ValueState, number>> = { L: 0, S: 1, O: 2, A: 3, XL: 4, XS: 5, X: 6 };

const collator = new Intl.Collator("en", { sensitivity: "base", numeric: false });

/** Builds the order that a `qSortCriterias` or `qSortBy` asks for; no criterion set means no order. */
export function createComparator(criteria: Json | undefined, subject: SortSubject): Comparator {
  const wanted = toObject(criteria);
  const { text, number, loadOrder, frequency, state, expression } = subject;
  const steps: Comparator[] = [];
  function add(member: string, compare: Comparator | undefined): void {
    const direction = Math.sign(toNumber(wanted[member]));
    if (direction !== 0 && compare !== undefined) steps.push((a, b) => direction * compare(a, b));
  }
  add("qSortByState", state && ((a, b) => STATE_ORDER[state(a)] - STATE_ORDER[state(b)]));
  add("qSortByExpression", expression && byNumber(expression));
  add("qSortByFrequency", frequency && byNumber(frequency));
  add("qSortByNumeric", number && byNumber(number));
  add("qSortByAscii", text && ((a, b) => collator.compare(text(a), text(b))));
  add("qSortByLoadOrder", loadOrder && byNumber(loadOrder));
  return chain(steps);
}

/** Tries each order in turn until one of them tells the two apart. */
export function chain(steps: readonly Comparator[]): Comparator {
  return (left, right) => {
    for (const step of steps) {
      const order = step(left, right);
      if (order !== 0) return order;
    }
    return 0;
  };
}

/** The arrow a chart shows for a column: ascending, descending or none. */
export function sortIndicator(criteria: Json | undefined, reversed: boolean): "A" | "D" | "N" {
  const wanted = toObject(criteria);
  const members = [
    "qSortByExpression",
    "qSortByFrequency",
    "qSortByNumeric",
    "qSortByAscii",
    "qSortByLoadOrder",
  ];
  const direction = members.map((member) => toNumber(wanted[member])).find((value) => value !== 0) ?? 0;
  if (direction === 0) return "N";
  return direction > 0 === !reversed ? "A" : "D";
}

/** Ascending numbers, with what is not a number after them in either direction of the pair. */
function byNumber(read: (position: number) => number): Comparator {
  return (left, right) => {
    const a = read(left);
    const b = read(right);
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    return a - b;
  };
}
