import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { APP_ID, OBJECT_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
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

/** Opens an app, selects a region in it, and looks at two objects: one stored, one of the session. */
async function openWithSelection(
  user: string,
  path: string,
): Promise<{
  readonly session: Awaited<ReturnType<typeof openApp>>["session"];
  readonly doc: VendorObject;
  readonly closed: string[];
}> {
  const { session, doc } = await openApp(host.url(path, user), { suspendOnClose: true });
  const stored = await invoke<VendorObject>(doc, "getObject", OBJECT_ID.sales.bar);
  const own = await invoke<VendorObject>(doc, "createSessionObject", { qInfo: { qType: "own" } });
  const closed: string[] = [];
  stored.on("closed", () => closed.push("stored"));
  own.on("closed", () => closed.push("own"));
  await invoke(await invoke<VendorObject>(doc, "getField", "Region"), "select", "APAC");
  return { session, doc, closed };
}

describe("enigma.js resumes", () => {
  test("in the same engine session while that lives: selections and objects are still there", async () => {
    const { session, doc, closed } = await openWithSelection("keeps", `${APP_ID.sales}/ttl/60`);
    await session.suspend();
    await host.idle();
    await expect(invoke(doc, "evaluate", "1")).rejects.toMatchObject({ code: -11 });
    await session.resume(true);
    expect(await invoke(doc, "evaluate", "=Region")).toBe("APAC");
    expect(closed).toEqual([]);
    await session.close();
  });

  test("in a new engine session after that: the app is opened again, what only the session had is closed", async () => {
    const { session, doc, closed } = await openWithSelection("loses", APP_ID.sales);
    await session.suspend();
    await host.idle();
    await session.resume();
    expect(await invoke(doc, "evaluate", "Count(distinct Region)")).toBe("3");
    expect(closed).toEqual(["own"]);
    await session.close();
  });

  test("after the engine closed the socket with a code of its own", async () => {
    const { session, doc } = await openWithSelection("closed", APP_ID.sales);
    const suspended = new Promise((resolve) => session.on("suspended", resolve));
    host.engine.closeSockets({ subject: "closed" }, 4003);
    await suspended;
    await session.resume();
    expect(await invoke(doc, "evaluate", "Count(distinct Region)")).toBe("3");
    await session.close();
  });
});
