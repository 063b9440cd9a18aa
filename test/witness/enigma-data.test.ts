import type { Doc, GenericObject, NxCell } from "@qlik/api/qix";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { APP_ID, OBJECT_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { distinctOf, groupLines, type OrderLine, orderLines, sumOf, textOf } from "../support/order-lines.ts";
import { type Enigma, openEnigma } from "../support/vendor-enigma.ts";
import { startVendorStack, type VendorStack } from "../support/vendor-stack.ts";

/*
 * The vendor's engine client through the proxy: what it shows must be what the rows of the app add up to, computed
 * here from the rows alone.
 */

let world: VendorStack;
let lines: readonly OrderLine[];
const sessions: Enigma[] = [];

beforeAll(async () => {
  world = await startVendorStack();
  lines = orderLines();
});
afterEach(async () => {
  await Promise.all(sessions.splice(0).map(({ session }) => session.close()));
  await world.idle();
});
afterAll(() => world.close());

async function open(
  user = "ann",
  options: { readonly path?: string; readonly delta?: boolean } = {},
): Promise<Enigma & { readonly doc: Doc }> {
  const target = { host: world.host, path: APP_ID.sales, headers: world.headersOf(user), ...options };
  const client = await openEnigma(target);
  sessions.push(client);
  return client;
}

const DIMENSIONS = ["Region", "Category", "Quarter"];
const MEASURES = ["Sum(Amount)", "Count(distinct Customer)", "Sum(Quantity)", "Sum(Amount)-Sum(Cost)"];
const CUBE = {
  qInfo: { qType: "cube" },
  qHyperCubeDef: {
    qDimensions: DIMENSIONS.map((field) => ({ qDef: { qFieldDefs: [field] } })),
    qMeasures: MEASURES.map((qDef) => ({ qDef: { qDef } })),
  },
};

/** What the four measures are for some rows. */
function measure(rows: readonly OrderLine[]): readonly number[] {
  const amount = sumOf(rows, "Amount");
  return [amount, distinctOf(rows, "Customer"), sumOf(rows, "Quantity"), amount - sumOf(rows, "Cost")];
}

/** Reads every cell of a hypercube, in pages that divide neither its rows nor its columns evenly. */
async function readCube(object: GenericObject): Promise<readonly (readonly NxCell[])[]> {
  const { qHyperCube } = await object.getLayout();
  const { qcx = 0, qcy = 0 } = qHyperCube?.qSize ?? {};
  const rows: NxCell[][] = Array.from({ length: qcy }, () => []);
  for (let qTop = 0; qTop < qcy; qTop += 37)
    for (let qLeft = 0; qLeft < qcx; qLeft += 3) {
      const [page] = await object.getHyperCubeData("/qHyperCubeDef", [
        { qTop, qLeft, qWidth: Math.min(3, qcx - qLeft), qHeight: Math.min(37, qcy - qTop) },
      ]);
      for (const [index, cells] of (page?.qMatrix ?? []).entries()) rows[qTop + index]?.push(...cells);
    }
  return rows;
}

/** Checks a hypercube against the rows it should be made of. */
async function expectCubeOf(object: GenericObject, rows: readonly OrderLine[]): Promise<void> {
  const expected = groupLines(rows, DIMENSIONS);
  const cells = await readCube(object);
  const keys = cells.map((row) =>
    row
      .slice(0, 3)
      .map(({ qText }) => qText)
      .join(" | "),
  );
  expect(keys.toSorted()).toEqual([...expected.keys()].toSorted());
  for (const [index, row] of cells.entries())
    for (const [column, wanted] of measure(expected.get(keys[index] ?? "") ?? []).entries())
      expect(row[3 + column]?.qNum, `${keys[index]}: ${MEASURES[column]}`).toBeCloseTo(wanted, 4);
}

describe("a hypercube over three dimensions and four measures", () => {
  test("has the groups and sums of the rows, over all pages, and their total", async () => {
    const { doc } = await open();
    const cube = await doc.createSessionObject(CUBE);
    await expectCubeOf(cube, lines);
    const { qHyperCube } = await cube.getLayout();
    for (const [index, total] of measure(lines).entries())
      expect(qHyperCube?.qGrandTotalRow?.[index]?.qNum).toBeCloseTo(total, 3);
  });

  test("follows selections in fields and in a list object, and comes back when they are cleared", async () => {
    const { doc } = await open();
    const cube = await doc.createSessionObject(CUBE);
    const list = await doc.createSessionObject({
      qInfo: { qType: "list" },
      qListObjectDef: {
        qDef: { qFieldDefs: ["Category"], qSortCriterias: [{ qSortByAscii: 1 }] },
        qInitialDataFetch: [{ qWidth: 1, qHeight: 100 }],
      },
    });
    let changes = 0;
    cube.on("changed", () => (changes += 1));
    await (await doc.getField("Region")).select("APAC");
    expect(changes).toBe(1);
    await expectCubeOf(
      cube,
      lines.filter((line) => textOf(line, "Region") === "APAC"),
    );
    const { qListObject } = await list.getLayout();
    const values = qListObject?.qDataPages?.[0]?.qMatrix?.map(([cell]) => cell) ?? [];
    expect(values.map((cell) => cell?.qText)).toEqual([...groupLines(lines, ["Category"]).keys()].toSorted());
    const chosen = ["Beans", "Service"];
    const elements = values.flatMap((cell) =>
      chosen.includes(cell?.qText ?? "") ? [cell?.qElemNumber ?? -1] : [],
    );
    await list.selectListObjectValues("/qListObjectDef", elements, false);
    const marked = (await list.getLayout()).qListObject?.qDataPages?.[0]?.qMatrix ?? [];
    expect(marked.flatMap(([cell]) => (cell?.qState === "S" ? [cell.qText] : []))).toEqual(chosen);
    await expectCubeOf(
      cube,
      lines.filter((line) => textOf(line, "Region") === "APAC" && chosen.includes(textOf(line, "Category"))),
    );
    await doc.clearAll();
    await expectCubeOf(cube, lines);
  });

  test("shows a user of one region that region only", async () => {
    const { doc } = await open("alice@example.test");
    const cube = await doc.createSessionObject(CUBE);
    await expectCubeOf(
      cube,
      lines.filter((line) => textOf(line, "Region") === "EMEA"),
    );
  });

  test("is the same with the delta protocol off, after every selection", async () => {
    const [on, off] = [await open("delta-on"), await open("delta-off", { delta: false })];
    const cubes = [await on.doc.createSessionObject(CUBE), await off.doc.createSessionObject(CUBE)] as const;
    for (const region of ["EMEA", "APAC", "Americas"]) {
      for (const { doc } of [on, off]) await (await doc.getField("Region")).select(region);
      const [withDelta, without] = await Promise.all(
        cubes.map(async (cube) => ({ ...(await cube.getLayout()), qInfo: undefined })),
      );
      expect(withDelta).toEqual(without);
      expect(await readCube(cubes[0])).toEqual(await readCube(cubes[1]));
    }
  });
});

describe("two sockets of one user", () => {
  test("share an engine session: selections on one reach the other as changes", async () => {
    const [first, second] = [await open(), await open()];
    expect([...first.states, ...second.states]).toEqual(["SESSION_CREATED", "SESSION_ATTACHED"]);
    const bar = await second.doc.getObject(OBJECT_ID.sales.bar);
    expect((await bar.getLayout()).qHyperCube?.qSize?.qcy).toBe(3);
    const changed = new Promise<void>((resolve) => bar.on("changed", resolve));
    await (await first.doc.getField("Region")).select("EMEA");
    await changed;
    const layout = await bar.getLayout();
    expect(layout.qHyperCube?.qDataPages?.[0]?.qMatrix?.map(([cell]) => cell?.qText)).toEqual(["EMEA"]);
  });

  test("with identities of their own select for themselves", async () => {
    const first = await open("ann", { path: `${APP_ID.sales}/identity/tab-1` });
    const second = await open("ann", { path: `${APP_ID.sales}/identity/tab-2` });
    expect([...first.states, ...second.states]).toEqual(["SESSION_CREATED", "SESSION_CREATED"]);
    await (await first.doc.getField("Region")).select("EMEA");
    expect(await first.doc.evaluate("Count(distinct Region)")).toBe("1");
    expect(await second.doc.evaluate("Count(distinct Region)")).toBe("3");
  });
});

describe("traffic", () => {
  test("two hundred calls at once get two hundred answers, each its own", async () => {
    const { doc } = await open();
    const cube = await doc.createSessionObject(CUBE);
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        if (index % 2 === 0) return doc.evaluate(`Sum(Quantity)*0+${index}`);
        const [page] = await cube.getHyperCubeData("/qHyperCubeDef", [
          { qTop: index, qLeft: 0, qWidth: 3, qHeight: 1 },
        ]);
        return page?.qArea?.qTop;
      }),
    );
    expect(answers).toEqual(answers.map((_, index) => (index % 2 === 0 ? String(index) : index)));
  });

  test("twenty megabytes arrive in one message, in either direction", async () => {
    const { doc, session } = await open();
    const size = 20 * 1_048_576;
    const pushed: number[] = [];
    session.on("notification:OnEmulatorFrame", ({ filling }) => pushed.push(filling.length));
    for (const params of [
      [size, 1],
      [size, 5],
    ])
      await session.send({ handle: -1, method: "EmulatorPushFrame", params });
    const [whole = 0] = pushed;
    expect(pushed).toEqual([whole, whole]);
    expect(whole).toBeGreaterThan(size - 100);
    const note = "x".repeat(size);
    const object = await doc.createSessionObject({ qInfo: { qType: "note" }, note });
    const properties = (await object.getProperties()) as { readonly note?: string };
    expect(properties.note === note).toBe(true);
  });

  test("a refused object and a broken expression are errors of the client, and harm nothing", async () => {
    const { doc } = await open();
    await expect(doc.getObject("no-such-object")).rejects.toMatchObject({ code: -2 });
    const object = await doc.createSessionObject(CUBE);
    const all = { qTop: 0, qLeft: 0, qWidth: 7, qHeight: 5000 };
    await expect(object.getHyperCubeData("/qHyperCubeDef", [all])).rejects.toMatchObject({ code: 7009 });
    expect(await doc.evaluate("1+1")).toBe("2");
  });
});
