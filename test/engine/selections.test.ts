import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { APP_ID, OBJECT_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import {
  type EngineHost,
  invoke,
  openApp,
  startEngineHost,
  type VendorObject,
} from "./support/engine-host.ts";

interface Cell {
  readonly qText: string;
  readonly qElemNumber: number;
  readonly qState: string;
}

interface Layout {
  readonly qSelectionInfo: { readonly qInSelections?: boolean };
  readonly qHyperCube: {
    readonly qDataPages: readonly {
      readonly qMatrix: readonly (readonly Cell[])[];
    }[];
  };
  readonly qListObject: {
    readonly qSize: { readonly qcy: number };
    readonly qDataPages: readonly {
      readonly qMatrix: readonly (readonly Cell[])[];
    }[];
  };
  readonly qSelectionObject: {
    readonly qBackCount: number;
    readonly qSelections: readonly { qField: string; qSelected: string; qLocked: boolean }[];
  };
}

const PATH = "/qHyperCubeDef";
const LIST = "/qListObjectDef";

let host: EngineHost;
let doc: VendorObject;
let bar: VendorObject;
let list: VendorObject;
let current: VendorObject;

beforeAll(async () => {
  host = await startEngineHost();
  ({ doc } = await openApp(host.url(APP_ID.sales)));
  bar = await invoke(doc, "getObject", OBJECT_ID.sales.bar);
  list = await invoke(doc, "getObject", OBJECT_ID.sales.list);
  const selections = { qInfo: { qType: "current-selections" }, qSelectionObjectDef: {} };
  current = await invoke(doc, "createSessionObject", selections);
});
beforeEach(() => invoke(doc, "clearAll", true));
afterAll(() => host.close());

const layoutOf = (object: VendorObject): Promise<Layout> => invoke<Layout>(object, "getLayout");

async function bars(): Promise<readonly string[]> {
  const { qHyperCube } = await layoutOf(bar);
  return (qHyperCube.qDataPages[0]?.qMatrix ?? []).map(([cell]) => `${cell?.qText} ${cell?.qState}`);
}

async function values(): Promise<readonly string[]> {
  const { qListObject } = await layoutOf(list);
  return (qListObject.qDataPages[0]?.qMatrix ?? []).map(([cell]) => `${cell?.qText} ${cell?.qState}`);
}

async function selected(): Promise<readonly string[]> {
  const { qSelectionObject } = await layoutOf(current);
  return qSelectionObject.qSelections.map(({ qField, qSelected }) => `${qField}: ${qSelected}`);
}

describe("selecting in a chart", () => {
  test("fades the other bars until it is confirmed", async () => {
    const rows = (await layoutOf(bar)).qHyperCube.qDataPages[0]?.qMatrix ?? [];
    expect(await bars()).toEqual(["EMEA O", "Americas O", "APAC O"]);
    const americas = rows[1]?.[0]?.qElemNumber;
    await invoke(bar, "beginSelections", [PATH]);
    expect(await invoke(bar, "selectHyperCubeValues", PATH, 0, [americas], false)).toBe(true);
    expect(await bars()).toEqual(["EMEA A", "Americas S", "APAC A"]);
    expect((await layoutOf(bar)).qSelectionInfo.qInSelections).toBe(true);
    await invoke(bar, "endSelections", true);
    expect(await bars()).toEqual(["Americas S"]);
    expect(await selected()).toEqual(["Region: Americas"]);
  });

  test("is taken back when it is cancelled", async () => {
    await invoke(bar, "beginSelections", [PATH]);
    await invoke(bar, "selectHyperCubeValues", PATH, 0, [0], true);
    await invoke(bar, "endSelections", false);
    expect(await selected()).toEqual([]);
  });

  test("works by cells and by a range of a measure", async () => {
    expect(await invoke(bar, "selectHyperCubeCells", PATH, [2], [0])).toBe(true);
    expect(await selected()).toEqual(["Region: APAC"]);
    await invoke(bar, "clearSelections", PATH);
    const ranges = [{ qMeasureIx: 0, qRange: { qMin: 3_000_000, qMax: 1e12 } }];
    expect(await invoke(bar, "rangeSelectHyperCubeValues", PATH, ranges)).toBe(true);
    expect(await bars()).toEqual(["EMEA S", "Americas S"]);
  });
});

describe("selecting in a list", () => {
  test("changes charts and tells every object that shows data", async () => {
    const changed: string[] = [];
    bar.on("changed", () => changed.push("bar"));
    current.on("changed", () => changed.push("current"));
    await invoke(list, "selectListObjectValues", LIST, [0], false);
    expect(changed).toEqual(expect.arrayContaining(["bar", "current"]));
    expect(await values()).toEqual([
      expect.stringMatching(/ S$/),
      expect.stringMatching(/ A$/),
      expect.stringMatching(/ A$/),
    ]);
  });

  test("keeps the values in place until it is confirmed", async () => {
    expect(await values()).toEqual(["Americas O", "APAC O", "EMEA O"]);
    await invoke(list, "beginSelections", [LIST]);
    const emea = (await layoutOf(list)).qListObject.qDataPages[0]?.qMatrix[2]?.[0]?.qElemNumber;
    await invoke(list, "selectListObjectValues", LIST, [emea], true);
    expect(await values()).toEqual(["Americas A", "APAC A", "EMEA S"]);
    await invoke(list, "endSelections", true);
    expect(await values()).toEqual(["EMEA S", "Americas A", "APAC A"]);
  });

  test("by a search shows the matches, and selects them when it is accepted", async () => {
    expect(await invoke(list, "searchListObjectFor", LIST, "a")).toBe(true);
    expect(await values()).toEqual(["Americas O", "APAC O", "EMEA O"]);
    expect(await invoke(list, "searchListObjectFor", LIST, "zzz")).toBe(false);
    expect((await layoutOf(list)).qListObject.qSize.qcy).toBe(0);
    await invoke(list, "abortListObjectSearch", LIST);
    expect(await values()).toHaveLength(3);
    await invoke(list, "searchListObjectFor", LIST, "ame*");
    await invoke(list, "acceptListObjectSearch", LIST, false);
    expect(await selected()).toEqual(["Region: Americas"]);
  });
});

describe("the document", () => {
  test("goes back and forward, locks, unlocks and clears", async () => {
    const region = await invoke<VendorObject>(doc, "getField", "Region");
    const city = await invoke<VendorObject>(doc, "getField", "City");
    await invoke(region, "select", "EMEA");
    await invoke(city, "selectValues", [{ qText: "Lund" }, { qText: "Leeds" }], false);
    expect(await selected()).toEqual([
      "Region: EMEA",
      expect.stringMatching(/^City: (Leeds, Lund|Lund, Leeds)$/),
    ]);
    await invoke(doc, "back");
    expect(await selected()).toEqual(["Region: EMEA"]);
    await invoke(doc, "forward");
    await invoke(doc, "lockAll");
    await invoke(doc, "clearAll");
    expect(await selected()).toHaveLength(2);
    await invoke(doc, "unlockAll");
    await invoke(city, "clear");
    expect(await selected()).toEqual(["Region: EMEA"]);
    await invoke(region, "selectExcluded");
    expect(await selected()).toEqual([expect.stringMatching(/^Region: (Americas, APAC|APAC, Americas)$/)]);
  });
});
