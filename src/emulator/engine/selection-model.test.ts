import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { associate } from "./association.ts";
import { NULL_CODE } from "./column.ts";
import { SelectionModel } from "./selection-model.ts";
import type { Selections } from "./selections.ts";
import { buildTable, type Table } from "./table.ts";

const table = buildTable(
  "T",
  ["Region", "City", "Channel"],
  [
    ["EMEA", "Oslo", "Online"],
    ["EMEA", "Bonn", "Retail"],
    ["Americas", "Lima", "Online"],
    ["APAC", "Perth", null],
  ],
);

let model: SelectionModel;
const states = (field: string): string => model.association.states(field).join(" ");

beforeEach(() => {
  model = new SelectionModel(table);
});

describe("selecting", () => {
  test("in a field makes its other values alternative and excludes across fields", () => {
    expect(model.select("Region", [0])).toBe(true);
    expect(states("Region")).toBe("S A A");
    expect(states("City")).toBe("O O X X");
    expect(states("Channel")).toBe("O O");
    expect([...model.association.rows]).toEqual([0, 1]);
  });

  test("in two fields keeps what both allow", () => {
    model.select("Channel", [0]);
    model.select("Region", [0, 1]);
    expect(states("Region")).toBe("S S X");
    expect(states("City")).toBe("O X O X");
    model.select("City", [0]);
    expect(states("Region")).toBe("S XS X");
  });

  test("an excluded value drops the selections that exclude it", () => {
    model.select("Region", [0]);
    expect(model.select("City", [2])).toBe(true);
    expect([...model.current.keys()]).toEqual(["City"]);
    expect(states("Region")).toBe("X O X");
  });

  test("switches values on and off in toggle mode, and clears with none left", () => {
    model.select("Region", [0], { toggle: true });
    model.select("Region", [2], { toggle: true });
    expect(states("Region")).toBe("S A S");
    model.select("Region", [0, 2], { toggle: true });
    expect(model.current.size).toBe(0);
  });

  test("of what does not exist is refused", () => {
    expect(model.select("Nope", [0])).toBe(false);
    expect(model.select("Region", [17])).toBe(false);
    expect(model.current.size).toBe(0);
  });
});

describe("a locked field", () => {
  beforeEach(() => {
    model.select("Region", [0]);
    model.lock(true, "Region");
  });

  test("shows its state and keeps its selection", () => {
    expect(states("Region")).toBe("L X X");
    expect(model.select("Region", [1])).toBe(false);
    model.clear();
    expect(states("Region")).toBe("L X X");
  });

  test("refuses a selection elsewhere that would leave nothing", () => {
    expect(model.select("City", [2])).toBe(false);
    expect(model.current.has("City")).toBe(false);
  });

  test("yields to a soft lock, to clearing locked ones, and to unlocking", () => {
    expect(model.select("Region", [1], { softLock: true })).toBe(true);
    model.lock(true);
    model.clear({ lockedAlso: true });
    expect(model.current.size).toBe(0);
  });
});

describe("back and forward", () => {
  test("walk through the selections and forget the future on a new one", () => {
    model.select("Region", [0]);
    model.select("City", [1]);
    expect(model.back()).toBe(true);
    expect([...model.current.keys()]).toEqual(["Region"]);
    expect(model.forward()).toBe(true);
    expect([...model.current.keys()]).toEqual(["Region", "City"]);
    model.back();
    model.select("Channel", [0]);
    expect(model.forward()).toBe(false);
    expect(model.steps).toEqual({ back: 2, forward: 0 });
  });
});

describe("selecting in an object", () => {
  test("keeps its rows in sight until it is confirmed, as one step of history", () => {
    model.begin("chart");
    model.select("Region", [0]);
    model.select("Region", [2], { toggle: true });
    expect(model.shownIn("chart").rows.length).toBe(4);
    expect(model.shownIn("other").rows.length).toBe(3);
    expect(model.end(true)).toBe(true);
    expect(model.shownIn("chart").rows.length).toBe(3);
    expect(model.steps.back).toBe(1);
    expect(model.end(true)).toBe(false);
  });

  test("leaves nothing behind when it is cancelled or reset", () => {
    model.select("Channel", [0]);
    model.begin("chart");
    model.select("Region", [0]);
    model.reset();
    expect([...model.current.keys()]).toEqual(["Channel"]);
    model.select("Region", [1]);
    model.end(false);
    expect([...model.current.keys()]).toEqual(["Channel"]);
    expect(model.steps.back).toBe(1);
  });
});

test("states agree with the definition on any data and selections", () => {
  const cell = fc.option(fc.constantFrom("a", "b", "c", "d"), { nil: null });
  const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 25 });
  const chosen = fc.dictionary(fc.constantFrom("A", "B", "C"), fc.uniqueArray(fc.nat(3), { minLength: 1 }));
  fc.assert(
    fc.property(rows, chosen, (cells, picks) => {
      const data = buildTable("T", ["A", "B", "C"], cells);
      const selections: Selections = new Map(
        Object.entries(picks).map(([field, values]) => [field, { values: new Set(values), locked: false }]),
      );
      const association = associate(data, selections);
      for (const [field, column] of data.columns) {
        column.values.forEach((_, code) => {
          expect(association.states(field)[code]).toBe(expectedState(data, selections, { field, code }));
        });
      }
    }),
  );
});

/** The state by its definition: possible means some row holds the value and every other field's selection allows it. */
function expectedState(
  data: Table,
  selections: Selections,
  { field, code }: { readonly field: string; readonly code: number },
): string {
  const others = [...selections].filter(([name]) => name !== field);
  const column = data.columns.get(field);
  const possible = column?.codes.some(
    (value, row) =>
      value === code &&
      others.every(([name, { values }]) => values.has(data.columns.get(name)?.codes[row] ?? NULL_CODE)),
  );
  const own = selections.get(field);
  if (own === undefined) return possible === true ? "O" : "X";
  if (own.values.has(code)) return possible === true ? "S" : "XS";
  return possible === true ? "A" : "X";
}
