import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { APP_ID, OBJECT_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import {
  type EngineHost,
  invoke,
  openApp,
  startEngineHost,
  type VendorObject,
} from "./support/engine-host.ts";
import { connectRaw, handleIn, type RawClient } from "./support/raw-client.ts";

interface Cell {
  readonly qText: string;
  readonly qNum: number;
  readonly qElemNumber: number;
  readonly qState: string;
}

interface CubeLayout {
  readonly qHyperCube: {
    readonly qSize: { readonly qcx: number; readonly qcy: number };
    readonly qGrandTotalRow: readonly Cell[];
    readonly qDataPages: readonly { readonly qMatrix: readonly (readonly Cell[])[] }[];
  };
}

const SALES_BY_REGION = {
  qInfo: { qType: "chart" },
  qHyperCubeDef: {
    qDimensions: [{ qDef: { qFieldDefs: ["Region"], qSortCriterias: [{ qSortByAscii: 1 }] } }],
    qMeasures: [{ qDef: { qDef: "Sum(Amount)" } }],
    qInitialDataFetch: [{ qWidth: 2, qHeight: 10 }],
  },
};

let host: EngineHost;
const clients: RawClient[] = [];

async function raw(path: string, user?: string, groups?: readonly string[]): Promise<RawClient> {
  const client = await connectRaw(host.url(path, user, groups));
  clients.push(client);
  return client;
}

beforeAll(async () => {
  host = await startEngineHost();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => host.close());

describe("enigma.js", () => {
  test("opens an app and gets a hypercube whose rows add up to its total", async () => {
    const { session, doc } = await openApp(host.url(APP_ID.sales));
    const object = await invoke<VendorObject>(doc, "createSessionObject", SALES_BY_REGION);
    const { qHyperCube } = await invoke<CubeLayout>(object, "getLayout");
    const rows = qHyperCube.qDataPages[0]?.qMatrix ?? [];
    expect(qHyperCube.qSize).toEqual({ qcx: 2, qcy: 3 });
    expect(rows.map(([region]) => region?.qText)).toEqual(["Americas", "APAC", "EMEA"]);
    const sum = rows.reduce((total, [, amount]) => total + (amount?.qNum ?? 0), 0);
    expect(qHyperCube.qGrandTotalRow[0]?.qNum).toBeCloseTo(sum, 4);
    await session.close();
  });

  test("works the same with its delta protocol switched off", async () => {
    const { session, doc } = await openApp(host.url(APP_ID.sales), { protocol: { delta: false } });
    const object = await invoke<VendorObject>(doc, "getObject", OBJECT_ID.sales.bar);
    const { qHyperCube } = await invoke<CubeLayout>(object, "getLayout");
    expect(qHyperCube.qSize.qcy).toBe(3);
    await session.close();
  });

  test("answers two hundred calls at once", async () => {
    const { session, doc } = await openApp(host.url(APP_ID.sales));
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => invoke<string>(doc, "evaluate", `Sum(Quantity)*0+${index}`)),
    );
    expect(answers).toEqual(answers.map((_, index) => String(index)));
    await session.close();
  });

  test("rejects an object that does not exist, and an unknown field", async () => {
    const { session, doc } = await openApp(host.url(APP_ID.sales));
    await expect(invoke(doc, "getObject", "nope")).rejects.toMatchObject({ code: -2 });
    await expect(invoke(doc, "getField", "Nope")).rejects.toMatchObject({ code: -2 });
    await session.close();
  });
});

describe("section access", () => {
  test("shows a region's group nothing of another region, total included", async () => {
    const totals: number[] = [];
    for (const groups of [[], ["Sales EMEA"], ["Sales Americas"]]) {
      const { session, doc } = await openApp(host.url(APP_ID.sales, `user-${groups.join()}`, groups));
      const object = await invoke<VendorObject>(doc, "createSessionObject", SALES_BY_REGION);
      const { qHyperCube } = await invoke<CubeLayout>(object, "getLayout");
      totals.push(qHyperCube.qGrandTotalRow[0]?.qNum ?? 0);
      const regions = qHyperCube.qDataPages[0]?.qMatrix.map(([region]) => region?.qText);
      expect(regions).toEqual(groups.length === 0 ? ["Americas", "APAC", "EMEA"] : [groups[0]?.slice(6)]);
      await session.close();
    }
    const [all = 0, emea = 0, americas = 0] = totals;
    expect(emea).toBeGreaterThan(0);
    expect(americas).toBeGreaterThan(0);
    expect(emea + americas).toBeLessThan(all);
  });
});

describe("opening", () => {
  test("takes a percent-encoded app id", async () => {
    const encoded = APP_ID.sales.replaceAll("-", "%2D");
    const client = await raw(encoded);
    const answer = await client.call("OpenDoc", [APP_ID.sales, "", "", "", false]);
    expect(answer.result).toEqual({ qReturn: { qType: "Doc", qHandle: 1, qGenericId: APP_ID.sales } });
    expect(answer.change).toEqual([1]);
  });

  test("GetActiveDoc is an error until the app is open", async () => {
    const client = await raw(APP_ID.energy, "fresh");
    expect((await client.call("GetActiveDoc")).error?.code).toBe(2);
    const opened = await client.call("OpenDoc", { qDocName: APP_ID.energy });
    expect((await client.call("GetActiveDoc")).result).toEqual(opened.result);
  });

  test("again gives the same document; another app or mode is an error", async () => {
    const client = await raw(APP_ID.energy, "twice");
    const first = await client.call("OpenDoc", [APP_ID.energy]);
    expect((await client.call("OpenDoc", [APP_ID.energy])).result).toEqual(first.result);
    expect((await client.call("OpenDoc", [APP_ID.sales])).error?.code).toBe(1002);
    expect((await client.call("OpenDoc", [APP_ID.energy, "", "", "", true])).error?.code).toBe(1009);
  });

  test("an app that the path does not name is an error, and so is any app without one in the path", async () => {
    const client = await raw(APP_ID.energy, "other");
    expect((await client.call("OpenDoc", [APP_ID.sales])).error?.code).toBe(1003);
    const global = await raw("engineData");
    expect((await global.call("OpenDoc", [APP_ID.sales])).error?.code).toBe(1003);
    const { qDocList } = (await global.call("GetDocList")).result as {
      qDocList: readonly { qDocId: string }[];
    };
    expect(qDocList.map(({ qDocId }) => qDocId)).toEqual([APP_ID.sales, APP_ID.serviceDesk, APP_ID.energy]);
  });

  test("a session app has the data of the app it was made from", async () => {
    const client = await connectRaw(
      `${host.url("SessionApp_7", "eve", ["Sales EMEA"])}&from=${APP_ID.sales}`,
    );
    clients.push(client);
    const doc = handleIn(await client.call("OpenDoc", ["SessionApp_7"]));
    const { result } = await client.call("EvaluateEx", ["Count(distinct Region) & [Region]"], doc);
    expect(result).toEqual({ qValue: { qText: "1EMEA", qIsNumeric: false, qNumber: "NaN" } });
  });
});

describe("calls", () => {
  test("without an engine method, a living handle or sense get their error and harm nobody", async () => {
    const client = await raw(APP_ID.sales, "odd");
    expect((await client.call("NoSuchMethod")).error).toMatchObject({
      code: -32_601,
      parameter: "NoSuchMethod",
    });
    expect((await client.call("constructor")).error?.code).toBe(-32_601);
    expect((await client.call("GetLayout", [], 77)).error?.code).toBe(-32_602);
    client.socket.send("no json {");
    expect((await client.until(({ id }) => id === null)).error?.code).toBe(-32_700);
    client.socket.send(Buffer.from([1, 2, 3]));
    client.socket.send("[]");
    expect((await client.call("ProductVersion")).result?.["qReturn"]).toMatch(/^\d+\.\d+/);
  });

  test("with properties nested too deep are refused", async () => {
    const client = await raw(APP_ID.sales, "deep");
    const doc = handleIn(await client.call("OpenDoc", [APP_ID.sales]));
    const deep = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;
    const properties = `{"qInfo":{"qType":"deep"},"deep":${deep}}`;
    client.socket.send(`{"id":900,"handle":${doc},"method":"CreateSessionObject","params":[${properties}]}`);
    expect((await client.until(({ id }) => id === 900)).error?.code).toBe(8);
    expect((await client.call("EvaluateEx", ["1+1"], doc)).result).toHaveProperty("qValue.qNumber", 2);
  });

  test("about the server answer", async () => {
    const client = await raw(APP_ID.sales, "who");
    expect((await client.call("GetAuthenticatedUser")).result).toEqual({ qReturn: "who" });
    expect((await client.call("IsDesktopMode")).result).toEqual({ qReturn: false });
    expect((await client.call("QTProduct")).result).toEqual({ qReturn: "QIX" });
    expect((await client.call("EngineVersion")).result).toHaveProperty("qVersion.qComponentVersion");
    expect((await client.call("GetConfiguration")).result).toHaveProperty("qConfig");
  });

  test("for more than ten thousand cells are refused", async () => {
    const client = await raw(APP_ID.sales, "pages");
    const doc = handleIn(await client.call("OpenDoc", [APP_ID.sales]));
    const object = handleIn(await client.call("CreateSessionObject", [SALES_BY_REGION], doc));
    const page = { qTop: 0, qLeft: 0, qWidth: 10, qHeight: 1000 };
    const fits = await client.call("GetHyperCubeData", ["/qHyperCubeDef", [page]], object);
    expect(fits.result?.["qDataPages"]).toHaveLength(1);
    for (const pages of [[{ ...page, qHeight: 1001 }], [page, { qWidth: 1, qHeight: 1 }]]) {
      const refused = await client.call("GetHyperCubeData", ["/qHyperCubeDef", pages], object);
      expect(refused.error?.code).toBe(7009);
    }
    expect((await client.call("GetHyperCubeData", ["/nowhere", [page]], object)).error?.code).toBe(8);
  });
});

describe("objects", () => {
  test("of the library can be used by hypercubes and change them", async () => {
    const client = await raw(APP_ID.sales, "library");
    const doc = handleIn(await client.call("OpenDoc", [APP_ID.sales]));
    const cube = {
      qDimensions: [{ qLibraryId: "dimension-region", qDef: {} }],
      qMeasures: [{ qLibraryId: "mine", qDef: {} }],
      qInitialDataFetch: [{ qWidth: 2, qHeight: 1 }],
    };
    const object = handleIn(
      await client.call("CreateSessionObject", [{ qInfo: { qType: "x" }, qHyperCubeDef: cube }], doc),
    );
    const missing = await client.call("GetLayout", [], object);
    expect(missing.result).toHaveProperty("qLayout.qHyperCube.qError.qErrorCode", 7001);
    const measure = {
      qInfo: { qId: "mine", qType: "measure" },
      qMeasure: { qLabel: "Lines", qDef: "Count(OrderLine)" },
    };
    const created = await client.call("CreateMeasure", [measure], doc);
    expect(created.result?.["qInfo"]).toEqual({ qId: "mine", qType: "measure" });
    const changed = await client.call(
      "SetProperties",
      [{ ...measure, qMeasure: { ...measure.qMeasure, qDef: "Count(OrderLine)*0" } }],
      handleIn(created),
    );
    expect(changed.change).toContain(object);
    const { result } = await client.call("GetLayout", [], object);
    expect(result).toHaveProperty("qLayout.qHyperCube.qMeasureInfo[0].qFallbackTitle", "Lines");
    expect(result).toHaveProperty("qLayout.qHyperCube.qDataPages[0].qMatrix[0][1].qNum", 0);
  });

  test("list what the app holds", async () => {
    const client = await raw(APP_ID.sales, "lists");
    const doc = handleIn(await client.call("OpenDoc", [APP_ID.sales]));
    const lists = {
      qInfo: { qType: "lists" },
      qFieldListDef: {},
      qDimensionListDef: { qType: "dimension", qData: { title: "/qMetaDef/title" } },
      qMeasureListDef: { qType: "measure" },
      qAppObjectListDef: { qType: "sheet", qData: { cells: "/cells" } },
      titles: {
        main: {
          qStringExpression: { qExpr: "='Lines: ' & Count(OrderLine)" },
          ten: { qValueExpression: "2*5" },
        },
      },
    };
    const object = handleIn(await client.call("CreateSessionObject", [lists], doc));
    const { qLayout } = (await client.call("GetLayout", [], object)).result as {
      qLayout: Record<string, unknown>;
    };
    expect(qLayout).toHaveProperty("qFieldList.qItems[1].qName", "Region");
    expect(qLayout).toHaveProperty("qDimensionList.qItems[0].qData.title", "Region");
    expect(qLayout).toHaveProperty("qMeasureList.qItems[0].qInfo.qId", "measure-sales");
    expect(qLayout).toHaveProperty("qAppObjectList.qItems[0].qInfo.qId", OBJECT_ID.sales.sheet);
    expect(qLayout).toHaveProperty("titles.main", "Lines: 12480");
    const stored = await client.call("CreateObject", [{ qInfo: { qId: "s2", qType: "sheet" } }], doc);
    expect(stored.change).toContain(object);
    const gone = await client.call("DestroyObject", ["s2"], doc);
    expect(gone.result).toEqual({ qSuccess: true });
    expect(gone.close).toEqual([handleIn(stored)]);
    expect((await client.call("GetLayout", [], handleIn(stored))).error?.code).toBe(-32_602);
  });

  test("take properties and patches, soft ones only for the session", async () => {
    const client = await raw(APP_ID.sales, "patches");
    const doc = handleIn(await client.call("OpenDoc", [APP_ID.sales]));
    const object = handleIn(await client.call("GetObject", [OBJECT_ID.sales.bar], doc));
    const patch = { qOp: "replace", qPath: "/title", qValue: '"Soft"' };
    expect((await client.call("ApplyPatches", [[patch], true], object)).change).toEqual([object]);
    const { result } = await client.call("GetEffectiveProperties", [], object);
    expect(result).toHaveProperty("qProp.title", "Soft");
    expect((await client.call("GetProperties", [], object)).result).toHaveProperty(
      "qProp.title",
      "Sales by region",
    );
    expect((await client.call("GetLayout", [], object)).result).toHaveProperty("qLayout.title", "Soft");
    await client.call("ClearSoftPatches", [], object);
    expect((await client.call("GetLayout", [], object)).result).toHaveProperty(
      "qLayout.title",
      "Sales by region",
    );
  });
});
