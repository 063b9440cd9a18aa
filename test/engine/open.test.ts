import { afterAll, beforeAll, expect, test } from "vitest";
import { APP_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import {
  type EngineHost,
  invoke,
  openApp,
  startEngineHost,
  type VendorObject,
} from "./support/engine-host.ts";

let host: EngineHost;

beforeAll(async () => {
  host = await startEngineHost();
});
afterAll(() => host.close());

interface CubeLayout {
  readonly qHyperCube: {
    readonly qSize: { readonly qcx: number; readonly qcy: number };
    readonly qDataPages: readonly {
      readonly qMatrix: readonly (readonly { qText: string; qNum: number }[])[];
    }[];
  };
}

test("the vendor's client opens an app and gets a hypercube", async () => {
  const { session, doc } = await openApp(host.url(APP_ID.sales));
  const object = await invoke<VendorObject>(doc, "createSessionObject", {
    qInfo: { qType: "chart" },
    qHyperCubeDef: {
      qDimensions: [{ qDef: { qFieldDefs: ["Region"] } }],
      qMeasures: [{ qDef: { qDef: "Sum(Amount)" } }],
      qInitialDataFetch: [{ qWidth: 2, qHeight: 10 }],
    },
  });
  const { qHyperCube } = await invoke<CubeLayout>(object, "getLayout");
  expect(qHyperCube.qSize).toEqual({ qcx: 2, qcy: 3 });
  await session.close();
});
