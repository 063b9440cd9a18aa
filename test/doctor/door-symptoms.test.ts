import { describe, expect, test } from "vitest";
import { createStandaloneServer, loadServerConfig } from "../../src/server.ts";
import { doorSymptoms } from "./door-symptoms.ts";
import { type DoorFaults, openDoor } from "./front-door.ts";
import { closeWorld, createWorld, visitWorld } from "./tenant-world.ts";

/** The steps that complain, and what of, with `serve` behind a front door. */
async function complaintsBehind(faults: DoorFaults, isServed = true): Promise<readonly unknown[]> {
  const door = await openDoor(faults);
  const world = await createWorld({ publicOrigin: door.origin });
  const file = world.folder.write("config.yaml", world.config);
  const server = await createStandaloneServer(loadServerConfig({ file, environment: {} }).config);
  if (isServed) door.leadTo(server.url);
  try {
    const results = await visitWorld(world);
    const about = ["public-origin", "door-identity", "door-upgrade"];
    expect(results.filter(({ step }) => !about.includes(step) && step !== "groups")).toSatisfy(
      (others: typeof results) =>
        others.every(({ outcome }) => outcome === "passed" || outcome === "skipped"),
    );
    return results
      .filter(({ step, outcome }) => about.includes(step) && outcome !== "notTried" && outcome !== "passed")
      .map(({ step, outcome, cause }) => `${step} ${outcome} ${cause ?? ""}`.trimEnd());
  } finally {
    await server.close();
    await door.close();
    await closeWorld(world);
  }
}

describe("front door, cause, named?", () => {
  test.each(doorSymptoms)("row $row: $what: $cause", async ({ faults, step, cause }) => {
    expect(await complaintsBehind(faults)).toEqual([`${step} failed ${cause}`]);
  });

  test("nothing is said of one that is right", async () => {
    expect(await complaintsBehind({})).toEqual([]);
  });

  test.each([
    ["a proxy that does not run yet", {}, false],
    ["a sign-in before everything", { signsIn: true }, true],
  ])("%s is no fault of the front door", async (_what, faults: DoorFaults, isServed) => {
    expect(await complaintsBehind(faults, isServed)).toEqual([
      "public-origin skipped",
      "door-identity skipped",
      "door-upgrade skipped",
    ]);
  });
});
