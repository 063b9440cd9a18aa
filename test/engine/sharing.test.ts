import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { APP_ID, OBJECT_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { type EngineHost, startEngineHost } from "./support/engine-host.ts";
import { connectRaw, handleIn, type RawClient } from "./support/raw-client.ts";

let host: EngineHost;
const clients: RawClient[] = [];

async function raw(path: string, user = "ada"): Promise<RawClient> {
  const client = await connectRaw(host.url(path, user));
  clients.push(client);
  return client;
}

const stateOf = (client: RawClient): unknown => client.messages[0]?.params?.["qSessionState"];

beforeAll(async () => {
  host = await startEngineHost();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await host.idle();
});
afterAll(() => host.close());

describe("a second socket of the same user, identity and app", () => {
  test("attaches to the session, with its document and its handles", async () => {
    const first = await raw(APP_ID.sales);
    const doc = handleIn(await first.call("OpenDoc", [APP_ID.sales]));
    const bar = handleIn(await first.call("GetObject", [OBJECT_ID.sales.bar], doc));
    const second = await raw(APP_ID.sales);
    expect([stateOf(first), stateOf(second)]).toEqual(["SESSION_CREATED", "SESSION_ATTACHED"]);
    expect(handleIn(await second.call("GetActiveDoc"))).toBe(doc);
    expect(handleIn(await second.call("OpenDoc", [APP_ID.sales]))).toBe(doc);
    expect((await second.call("GetLayout", [], bar)).result).toHaveProperty(
      "qLayout.qInfo.qId",
      OBJECT_ID.sales.bar,
    );
  });

  test("sees the other's selections, and is told so without asking", async () => {
    const [first, second] = [await raw(APP_ID.sales), await raw(APP_ID.sales)];
    const doc = handleIn(await first.call("OpenDoc", [APP_ID.sales]));
    const bar = handleIn(await second.call("GetObject", [OBJECT_ID.sales.bar], doc));
    const field = handleIn(await first.call("GetField", ["Region"], doc));
    const selected = await first.call("Select", ["EMEA"], field);
    expect(selected.result).toEqual({ qReturn: true });
    expect(selected.change).toEqual([bar]);
    const push = await second.until(
      ({ id, change }) => id === undefined && change !== undefined && change.length > 0,
    );
    expect(push.change).toEqual([bar]);
    const { result } = await second.call("GetLayout", [], bar);
    expect(result).toHaveProperty("qLayout.qHyperCube.qSize.qcy", 1);
    expect(result).toHaveProperty("qLayout.qHyperCube.qDataPages[0].qMatrix[0][0].qText", "EMEA");
    expect(result).toHaveProperty("qLayout.qHyperCube.qDimensionInfo[0].qStateCounts.qAlternative", 2);
  });
});

describe("a socket of its own session", () => {
  test.each([
    ["identity", `${APP_ID.sales}/identity/tab-2`, "ada"],
    ["user", APP_ID.sales, "bo"],
    ["app", APP_ID.energy, "ada"],
  ])("is one with another %s", async (_, path, user) => {
    await raw(APP_ID.sales);
    const other = await raw(path, user);
    expect(stateOf(other)).toBe("SESSION_CREATED");
    expect((await other.call("GetActiveDoc")).error?.code).toBe(2);
  });
});

describe("when the last socket goes", () => {
  test("the session goes with it", async () => {
    const first = await raw(APP_ID.sales, "gone");
    await first.call("OpenDoc", [APP_ID.sales]);
    await first.close();
    await host.idle();
    expect(stateOf(await raw(APP_ID.sales, "gone"))).toBe("SESSION_CREATED");
  });

  test("a session with a time to live waits that long for the next socket", async () => {
    const path = `${APP_ID.sales}/ttl/60`;
    const first = await raw(path, "patient");
    const doc = handleIn(await first.call("OpenDoc", [APP_ID.sales]));
    await first.call("LowLevelSelect", [[0], false], handleIn(await first.call("GetField", ["Region"], doc)));
    await first.close();
    await host.idle();
    host.clock.advance(59_000);
    const second = await raw(path, "patient");
    expect(stateOf(second)).toBe("SESSION_ATTACHED");
    expect((await second.call("EvaluateEx", ["Count(distinct Region)"], doc)).result).toHaveProperty(
      "qValue.qNumber",
      1,
    );
    await second.close();
    await host.idle();
    host.clock.advance(61_000);
    expect(stateOf(await raw(path, "patient"))).toBe("SESSION_CREATED");
  });
});
