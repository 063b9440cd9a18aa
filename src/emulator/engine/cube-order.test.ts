import { describe, expect, test } from "vitest";
import { associate } from "./association.ts";
import { cutPage } from "./cube-page.ts";
import { cubeLayout } from "./cube-layout.ts";
import { computeCube } from "./hypercube.ts";
import type { Json, JsonObject } from "./json-value.ts";
import { NO_SELECTIONS } from "./selections.ts";
import { buildTable } from "./table.ts";

const table = buildTable(
  "T",
  ["City", "Month", "Amount"],
  [
    ["Oslo", { text: "Feb", number: 2 }, 5],
    ["Bonn", { text: "Jan", number: 1 }, 5],
    ["Lima", { text: "Feb", number: 2 }, 9],
    [null, { text: "Jan", number: 1 }, 70],
    ["Oslo", { text: "Jan", number: 1 }, 1],
  ],
);

function sorted(cube: JsonObject): Json {
  const association = associate(table, NO_SELECTIONS);
  const computed = computeCube(cube, {
    table,
    rows: association.rows,
    association,
    library: () => undefined,
  });
  const { qMatrix } = cutPage(computed, { left: 0, top: 0, width: 1, height: 100 });
  return (qMatrix as readonly (readonly JsonObject[])[]).map((row) => row[0]?.["qText"] ?? null);
}

function byCity(qSortCriteria: JsonObject, more: JsonObject = {}): JsonObject {
  return { qDimensions: [{ qDef: { qFieldDefs: ["City"], qSortCriterias: [qSortCriteria], ...more } }] };
}

const measure = (qSortBy: JsonObject, more: JsonObject = {}): JsonObject => ({
  qDef: { qDef: "Sum(Amount)", ...more },
  qSortBy,
});

describe("a cube is sorted", () => {
  test("by text, by load order, by frequency, null always last", () => {
    expect(sorted(byCity({ qSortByAscii: 1 }))).toEqual(["Bonn", "Lima", "Oslo", "-"]);
    expect(sorted(byCity({ qSortByAscii: -1 }))).toEqual(["Oslo", "Lima", "Bonn", "-"]);
    expect(sorted(byCity({ qSortByLoadOrder: -1 }))).toEqual(["Lima", "Bonn", "Oslo", "-"]);
    expect(sorted(byCity({ qSortByFrequency: -1, qSortByAscii: 1 }))).toEqual(["Oslo", "Bonn", "Lima", "-"]);
    expect(sorted(byCity({ qSortByAscii: 1 }, { qReverseSort: true }))).toEqual([
      "Oslo",
      "Lima",
      "Bonn",
      "-",
    ]);
  });

  test("by an expression", () => {
    const criteria = { qSortByExpression: -1, qExpression: { qv: "Max(Amount)" }, qSortByAscii: 1 };
    expect(sorted(byCity(criteria))).toEqual(["Lima", "Bonn", "Oslo", "-"]);
  });

  test("by number where the text says otherwise", () => {
    const months = {
      qDimensions: [{ qDef: { qFieldDefs: ["Month"], qSortCriterias: [{ qSortByNumeric: 1 }] } }],
    };
    expect(sorted(months)).toEqual(["Jan", "Feb"]);
  });

  test("by a measure first when the column order says so", () => {
    const cube = { ...byCity({ qSortByAscii: 1 }), qInterColumnSortOrder: [1, 0] };
    expect(sorted({ ...cube, qMeasures: [measure({ qSortByNumeric: -1 })] })).toEqual([
      "-",
      "Lima",
      "Oslo",
      "Bonn",
    ]);
    const reversed = measure({ qSortByNumeric: -1 }, { qReverseSort: true });
    expect(sorted({ ...cube, qMeasures: [reversed] })).toEqual(["Bonn", "Oslo", "Lima", "-"]);
  });

  test("and tells the order it used", () => {
    const association = associate(table, NO_SELECTIONS);
    const source = { table, rows: association.rows, association, library: () => undefined };
    const cube = { ...byCity({ qSortByAscii: -1 }), qMeasures: [measure({})], qInterColumnSortOrder: [1, 9] };
    expect(cubeLayout(computeCube(cube, source))).toMatchObject({
      qEffectiveInterColumnSortOrder: [1, 0],
      qDimensionInfo: [{ qSortIndicator: "D" }],
      qMeasureInfo: [{ qSortIndicator: "N" }],
    });
  });
});
