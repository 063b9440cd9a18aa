import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { associate } from "./association.ts";
import { loadSales } from "./apps/sales-data.ts";
import { cutPage, cutReducedPage, totalCells } from "./cube-page.ts";
import { cubeLayout } from "./cube-layout.ts";
import type { Cube } from "./cube.ts";
import { computeCube } from "./hypercube.ts";
import type { Json, JsonObject } from "./json-value.ts";
import { ERROR } from "./rpc-error.ts";
import { NO_SELECTIONS, type Selections } from "./selections.ts";
import { buildTable, type Table } from "./table.ts";

type Row = readonly [region: string | null, product: string, amount: number | null];

const ROWS: readonly Row[] = [
  ["EMEA", "Mill", 10],
  ["EMEA", "Cup", 4],
  ["Americas", "Mill", 7],
  ["EMEA", "Mill", 1],
  [null, "Cup", 2],
  ["APAC", "Tray", null],
  ["Americas", "Cup", -7],
];

function tableOf(rows: readonly Row[]): Table {
  return buildTable("Sales", ["Region", "Product", "Amount"], rows);
}

function definition(
  dimensions: readonly string[],
  measures: readonly string[],
  more: JsonObject = {},
): JsonObject {
  return {
    qDimensions: dimensions.map((field) => ({ qDef: { qFieldDefs: [field] } })),
    qMeasures: measures.map((qDef) => ({ qDef: { qDef } })),
    ...more,
  };
}

function compute(table: Table, cube: JsonObject, selections: Selections = NO_SELECTIONS): Cube {
  const association = associate(table, selections);
  return computeCube(cube, { table, rows: association.rows, association, library: () => undefined });
}

function cells(cube: Cube, member: "qText" | "qNum" | "qState" = "qText"): Json {
  const { qMatrix } = cutPage(cube, { left: 0, top: 0, width: 100, height: 10_000 });
  return (qMatrix as readonly (readonly JsonObject[])[]).map((row) =>
    row.map((cell) => cell[member] ?? null),
  );
}

describe("computeCube", () => {
  test("groups by one field and aggregates each measure", () => {
    const measures = [
      "Sum(Amount)",
      "Count(Amount)",
      "Count(distinct Product)",
      "Avg(Amount)",
      "Min(Amount)",
      "Max(Amount)",
    ];
    expect(cells(compute(tableOf(ROWS), definition(["Region"], measures)))).toEqual([
      ["EMEA", "15", "3", "2", "5", "1", "10"],
      ["Americas", "0", "2", "2", "0", "-7", "7"],
      ["APAC", "0", "0", "1", "-", "-", "-"],
      ["-", "2", "1", "1", "2", "2", "2"],
    ]);
  });

  test("takes field names bare, in brackets and after an equals sign", () => {
    const table = buildTable("T", ["Sales rep"], [["Ann"], ["Bob"]]);
    for (const field of ["Sales rep", "[Sales rep]", "=[Sales rep]"]) {
      expect(cells(compute(table, definition([field], ["Count([Sales rep])"])))).toEqual([
        ["Ann", "1"],
        ["Bob", "1"],
      ]);
    }
  });

  test("calculates between aggregations, inside them, and over the total", () => {
    const measures = ["Sum(Amount)/Count(Amount)", "Sum(Amount*2)-1", "Sum(Amount)/Sum(total Amount)", "1/0"];
    const cube = compute(tableOf(ROWS.slice(0, 4)), definition(["Region"], measures));
    expect(cells(cube, "qNum")).toEqual([
      ["NaN", 5, 29, 15 / 22, "NaN"],
      ["NaN", 7, 13, 7 / 22, "NaN"],
    ]);
  });

  test("gives one row of grand totals without dimensions", () => {
    const cube = compute(tableOf(ROWS), definition([], ["Sum(Amount)", "Count(distinct Region)"]));
    expect(cells(cube)).toEqual([["17", "3"]]);
    expect(totalCells(cube)).toMatchObject([
      { qNum: 17, qIsTotalCell: true },
      { qNum: 3, qIsTotalCell: true },
    ]);
  });

  test("suppresses rows that are all zero, all null, or null in a strict dimension", () => {
    const table = tableOf(ROWS);
    const measures = ["Sum(Amount)"];
    expect(cells(compute(table, definition(["Region"], measures, { qSuppressZero: true })))).toEqual([
      ["EMEA", "15"],
      ["-", "2"],
    ]);
    expect(
      cells(compute(table, definition(["Region"], ["Max(Amount)"], { qSuppressMissing: true }))),
    ).toEqual([
      ["EMEA", "10"],
      ["Americas", "7"],
      ["-", "2"],
    ]);
    const strict = { qDimensions: [{ qDef: { qFieldDefs: ["Region"] }, qNullSuppression: true }] };
    expect(cells(compute(table, strict))).toEqual([["EMEA"], ["Americas"], ["APAC"]]);
  });

  test("counts only what the selections leave", () => {
    const chosen: Selections = new Map([["Product", { values: new Set([0]), locked: false }]]);
    const cube = compute(tableOf(ROWS), definition(["Region", "Product"], ["Sum(Amount)"]), chosen);
    expect(cells(cube)).toEqual([
      ["EMEA", "Mill", "11"],
      ["Americas", "Mill", "7"],
    ]);
    expect(cells(cube, "qState")).toEqual([
      ["O", "S", "L"],
      ["O", "S", "L"],
    ]);
  });

  test("says what is wrong instead of failing", () => {
    const unknown = cubeLayout(compute(tableOf(ROWS), definition(["Nope"], ["Sum(Amount)"])));
    expect(unknown).toMatchObject({
      qError: { qErrorCode: ERROR.invalidDefinition },
      qSize: { qcy: 0 },
      qDimensionInfo: [{ qError: { qErrorCode: ERROR.invalidDefinition } }],
    });
    const broken = compute(tableOf(ROWS), definition(["Product"], ["Sum(", "1+Sum(Nope)", "Count(Nope)"]));
    expect(cubeLayout(broken)["qMeasureInfo"]).toMatchObject([
      { qError: { qErrorCode: ERROR.invalidDefinition } },
      { qFallbackTitle: "1+Sum(Nope)" },
      { qMin: "NaN", qMax: "NaN" },
    ]);
    expect(cells(broken)).toEqual([
      ["Mill", "-", "-", "-"],
      ["Cup", "-", "-", "-"],
      ["Tray", "-", "-", "-"],
    ]);
  });

  test("gives attribute expressions per value of their dimension", () => {
    const attribute = { qExpression: "Sum(Amount)", id: "colorByExpression" };
    const cube = compute(tableOf(ROWS), {
      qDimensions: [{ qDef: { qFieldDefs: ["Product"] }, qAttributeExpressions: [attribute] }],
      qMeasures: [],
    });
    const { qMatrix } = cutPage(cube, { left: 0, top: 0, width: 1, height: 1 });
    expect(qMatrix).toMatchObject([[{ qAttrExps: { qValues: [{ qText: "18", qNum: 18 }] } }]]);
    expect(cubeLayout(cube)["qDimensionInfo"]).toMatchObject([
      { qAttrExprInfo: [{ id: "colorByExpression", qFallbackTitle: "Sum(Amount)", qMin: -1, qMax: 18 }] },
    ]);
  });

  test("merges all but the largest values when they are counted", () => {
    const rows = [
      ["a", 1],
      ["b", 9],
      ["c", 5],
      ["d", 2],
      [null, 1],
    ] as const;
    const table = buildTable("T", ["Name", "Amount"], rows);
    const qOtherTotalSpec = { qOtherMode: "OTHER_COUNTED", qOtherCounted: { qv: "2" } };
    const cube = compute(table, {
      qDimensions: [{ qDef: { qFieldDefs: ["Name"] }, qOtherTotalSpec }],
      qMeasures: [{ qDef: { qDef: "Sum(Amount)" }, qSortBy: { qSortByNumeric: 1 } }],
      qInterColumnSortOrder: [1, 0],
    });
    expect(cells(cube)).toEqual([
      ["c", "5"],
      ["b", "9"],
      ["Others", "4"],
    ]);
    expect(cubeLayout(cube)).toMatchObject({ qHasOtherValues: true, qSize: { qcy: 3 } });
    expect(cells(compute(table, definition(["Name"], ["Sum(Amount)"])))).toHaveLength(5);
  });

  test("agrees with a plain calculation on any data", () => {
    const row = fc.tuple(
      fc.option(fc.constantFrom("a", "b", "c"), { nil: null }),
      fc.constantFrom("x", "y"),
      fc.option(fc.integer({ min: -1000, max: 1000 }), { nil: null }),
    );
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 60 }), (rows) => {
        const measures = [
          "Sum(Amount)",
          "Count(Amount)",
          "Count(distinct Amount)",
          "Min(Amount)",
          "Max(Amount)",
        ];
        const cube = compute(tableOf(rows), definition(["Region", "Product"], measures));
        expect(cells(cube, "qNum")).toHaveLength(naive(rows).size);
        for (const [region, product, ...numbers] of cells(cube) as readonly (readonly string[])[]) {
          expect(numbers).toEqual(naive(rows).get(`${region} ${product}`));
        }
      }),
    );
  });

  test("answers over twelve thousand order lines what adding them up gives", () => {
    const table = loadSales();
    const cube = compute(table, definition(["Region"], ["Sum(Quantity)"]));
    const region = table.columns.get("Region");
    const quantity = table.columns.get("Quantity");
    const sums = new Map<string, number>();
    for (let line = 0; line < table.rowCount; line += 1) {
      const name = region?.values[region.codes[line] ?? 0]?.text ?? "";
      sums.set(name, (sums.get(name) ?? 0) + (quantity?.values[quantity.codes[line] ?? 0]?.number ?? 0));
    }
    expect(table.rowCount).toBeGreaterThanOrEqual(12_000);
    expect(cells(cube)).toEqual([...sums].map(([name, sum]) => [name, String(sum)]));
  });
});

describe("pages", () => {
  const many = buildTable(
    "T",
    ["Day", "Amount"],
    Array.from({ length: 1000 }, (_, day) => [day, day === 617 ? 99 : day % 7] as const),
  );

  test("cut rows and columns, and say what they hold", () => {
    const cube = compute(many, definition(["Day"], ["Sum(Amount)"]));
    const page = cutPage(cube, { left: 1, top: 998, width: 5, height: 10 });
    expect(page["qArea"]).toEqual({ qLeft: 1, qTop: 998, qWidth: 1, qHeight: 2 });
    expect(page["qMatrix"]).toMatchObject([[{ qNum: 4 }], [{ qNum: 5 }]]);
  });

  test("follow the column order", () => {
    const cube = compute(many, definition(["Day"], ["Sum(Amount)"], { qColumnOrder: [1, 0] }));
    expect(cutPage(cube, { left: 0, top: 617, width: 2, height: 1 })["qMatrix"]).toMatchObject([
      [{ qNum: 99 }, { qText: "617" }],
    ]);
  });

  test("keep the extremes when reduced", () => {
    const cube = compute(many, definition(["Day"], ["Sum(Amount)"]));
    const page = cutReducedPage(cube, { left: 0, top: 0, width: 2, height: 100 });
    const rows = page["qMatrix"] as readonly (readonly JsonObject[])[];
    expect(rows.length).toBeLessThanOrEqual(100);
    expect(page["qIsReduced"]).toBe(true);
    expect(rows.map(([, amount]) => amount?.["qNum"])).toContain(99);
  });

  test("of a stacked cube are trees with the sums of their levels", () => {
    const table = tableOf([
      ["EMEA", "Mill", 10],
      ["EMEA", "Cup", -4],
      ["APAC", "Mill", 7],
    ]);
    const pages = { qMode: "K", qInitialDataFetch: [{ qWidth: 2, qHeight: 1 }] };
    const layout = cubeLayout(compute(table, definition(["Region", "Product"], ["Sum(Amount)"], pages)));
    expect(layout).toMatchObject({ qMode: "K", qSize: { qcx: 2, qcy: 2 }, qDataPages: [] });
    expect(layout["qStackedDataPages"]).toMatchObject([
      {
        qArea: { qLeft: 0, qTop: 0, qWidth: 2, qHeight: 1 },
        qData: [
          {
            qType: "R",
            qDown: 1,
            qSubNodes: [
              {
                qText: "EMEA",
                qType: "N",
                qMaxPos: 10,
                qMinNeg: -4,
                qSubNodes: [
                  { qText: "Mill", qElemNo: 0, qSubNodes: [{ qText: "10", qValue: 10, qType: "V" }] },
                  { qText: "Cup", qElemNo: 1, qSubNodes: [{ qText: "-4", qValue: -4, qType: "V" }] },
                ],
              },
            ],
          },
        ],
      },
    ]);
  });

  test("of too many cells make the layout's cube an error", () => {
    const wide = definition(["Day"], ["Sum(Amount)"], { qInitialDataFetch: [{ qWidth: 2, qHeight: 5001 }] });
    expect(cubeLayout(compute(many, wide))).toMatchObject({
      qError: { qErrorCode: ERROR.pagesTooLarge },
      qDataPages: [],
    });
  });
});

/** Sum, count, distinct count, lowest and highest amount per region and product, as texts. */
function naive(rows: readonly Row[]): Map<string, readonly string[]> {
  const groups = new Map<string, number[]>();
  for (const [region, product, amount] of rows) {
    const key = `${region ?? "-"} ${product}`;
    groups.set(key, [...(groups.get(key) ?? []), ...(amount === null ? [] : [amount])]);
  }
  return new Map(
    [...groups].map(([key, amounts]) => [
      key,
      [
        String(amounts.reduce((sum, amount) => sum + amount, 0)),
        String(amounts.length),
        String(new Set(amounts).size),
        amounts.length === 0 ? "-" : String(Math.min(...amounts)),
        amounts.length === 0 ? "-" : String(Math.max(...amounts)),
      ],
    ]),
  );
}
