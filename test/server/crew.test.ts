import { afterEach, expect, test } from "vitest";
import type { Crew } from "../../src/server/workers/crew.ts";
import { createTestCrew } from "../support/test-crew.ts";

let crew: Crew;
afterEach(() => crew.end());

test("what is told to the others does not come back to who says it", async () => {
  crew = createTestCrew(() => ({}));
  await crew.start();
  crew.tellOthers(1, "heard", "from the first");
  expect(await crew.askAll("list", null)).toEqual([[], ["from the first"]]);
});
