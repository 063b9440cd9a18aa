import { type Doc, openAppSession } from "@qlik/api/qix";
import { afterAll, beforeAll, expect, test } from "vitest";
import { APP_ID, OBJECT_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { type EngineHost, startEngineHost } from "./support/engine-host.ts";

let host: EngineHost;

beforeAll(async () => {
  host = await startEngineHost();
});
afterAll(() => host.close());

test("@qlik/api opens an app, draws on a stored chart and selects in it", async () => {
  const hostConfig = { host: `http://127.0.0.1:${host.port}`, authType: "none" as const };
  const session = openAppSession({ appId: APP_ID.sales, hostConfig, identity: "node" });
  const doc: Doc = await session.getDoc();
  const bar = await doc.getObject(OBJECT_ID.sales.bar);
  const layout = await bar.getLayout();
  expect(layout.qHyperCube?.qSize).toEqual({ qcx: 2, qcy: 3 });
  expect(await bar.selectHyperCubeValues("/qHyperCubeDef", 0, [0], false)).toBe(true);
  expect((await bar.getLayout()).qHyperCube?.qSize?.qcy).toBe(1);
  await session.close();
  await host.idle();
  expect(host.closeCodes).toEqual([1000]);
});
