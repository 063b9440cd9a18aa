import { describe, expect, test } from "vitest";
import { associate } from "./association.ts";
import type { Json, JsonObject } from "./json-value.ts";
import {
  computeListObject,
  cutListPage,
  listObjectLayout,
  type ListObject,
  searchValues,
} from "./list-object.ts";
import { NO_SELECTIONS, type Selections } from "./selections.ts";
import { buildTable } from "./table.ts";

const table = buildTable(
  "T",
  ["City", "Region", "Size"],
  [
    ["Oslo", "EMEA", 5],
    ["Bonn", "EMEA", 12],
    ["Lima", "Americas", 30],
    ["Oslo", "EMEA", 5],
  ],
);

function list(definition: JsonObject, selections: Selections = NO_SELECTIONS, search = ""): ListObject {
  const association = associate(table, selections);
  return computeListObject(
    { qDef: { qFieldDefs: ["City"], qSortCriterias: [{ qSortByState: 1, qSortByAscii: 1 }] }, ...definition },
    { table, association, sortedBy: association, library: () => undefined },
    search,
  );
}

function cells(computed: ListObject): Json {
  const { qMatrix } = cutListPage(computed, { left: 0, top: 0, width: 1, height: 100 });
  return (qMatrix as readonly (readonly JsonObject[])[]).map(([cell]) => [
    cell?.["qText"] ?? "",
    cell?.["qState"] ?? "",
    cell?.["qFrequency"] ?? "",
  ]);
}

const oslo: Selections = new Map([["City", { values: new Set([0]), locked: false }]]);
const americas: Selections = new Map([["Region", { values: new Set([1]), locked: false }]]);

describe("a list object", () => {
  test("shows every value with its state, selected first and excluded last", () => {
    expect(cells(list({}, oslo))).toEqual([
      ["Oslo", "S", ""],
      ["Bonn", "A", ""],
      ["Lima", "A", ""],
    ]);
    expect(cells(list({}, americas))).toEqual([
      ["Lima", "O", ""],
      ["Bonn", "X", ""],
      ["Oslo", "X", ""],
    ]);
  });

  test("counts the possible rows of a value, as a number or as a share", () => {
    expect(cells(list({ qFrequencyMode: "V" }))).toEqual([
      ["Bonn", "O", "1"],
      ["Lima", "O", "1"],
      ["Oslo", "O", "2"],
    ]);
    expect(cells(list({ qFrequencyMode: "P" }, oslo))).toEqual([
      ["Oslo", "S", "100.0%"],
      ["Bonn", "A", ""],
      ["Lima", "A", ""],
    ]);
  });

  test("shows only what a search finds", () => {
    expect(cells(list({}, NO_SELECTIONS, "o"))).toEqual([
      ["Bonn", "O", ""],
      ["Oslo", "O", ""],
    ]);
  });

  test("says that its field does not exist", () => {
    const layout = listObjectLayout(list({ qDef: { qFieldDefs: ["Nope"] } }));
    expect(layout).toMatchObject({ qSize: { qcx: 1, qcy: 0 }, qError: { qErrorCode: 7000 } });
  });
});

describe("searchValues", () => {
  const find = (field: string, search: string): readonly string[] => {
    const column = table.columns.get(field);
    return column === undefined
      ? []
      : searchValues(column, search).map((code) => column.values[code]?.text ?? "");
  };

  test("finds words, wildcards and number ranges", () => {
    expect(find("City", "LI")).toEqual(["Lima"]);
    expect(find("City", "osl lim")).toEqual(["Oslo", "Lima"]);
    expect(find("City", "*o*n*")).toEqual(["Bonn"]);
    expect(find("City", "?ima")).toEqual(["Lima"]);
    expect(find("City", "im")).toEqual(["Lima"]);
    expect(find("City", "im*")).toEqual([]);
    expect(find("Size", ">=12")).toEqual(["12", "30"]);
    expect(find("Size", "<12")).toEqual(["5"]);
  });

  test("is quick about patterns with many stars", () => {
    const long = buildTable("T", ["Text"], [["a".repeat(5000)]]).columns.get("Text");
    expect(long && searchValues(long, `${"*a".repeat(500)}*b`)).toEqual([]);
    expect(long && searchValues(long, `${"*a".repeat(500)}*`)).toEqual([0]);
  });

  test("takes characters of patterns as they are", () => {
    expect(find("City", "[a-z]*")).toEqual([]);
    expect(find("City", "(*")).toEqual([]);
  });
});
