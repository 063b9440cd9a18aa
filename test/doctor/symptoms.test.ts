import { afterAll, describe, expect, test } from "vitest";
import type { StepResult } from "../../src/cli/doctor/run-steps.ts";
import type { Symptom } from "./symptom.ts";
import { symptoms } from "./symptoms.ts";
import { closeWorld, createWorld, visitWorld } from "./tenant-world.ts";

/** What was said to be wrong, wherever. */
const complaints = (results: readonly StepResult[]) =>
  results.filter(({ outcome }) => outcome === "failed" || outcome === "warned");

test("nothing is said of a chain that is whole, and no session is left", async () => {
  const world = await createWorld({ tenant: { plainHttp: false } });
  try {
    const results = await visitWorld(world, { person: { subject: "ann@acme.test", groups: ["Sales EMEA"] } });
    expect(complaints(results)).toEqual([]);
    expect(results.filter(({ outcome }) => outcome === "skipped").map(({ step }) => step)).toEqual([
      "public-origin",
      "door-identity",
      "door-upgrade",
    ]);
    expect(world.tenant.recordings({ path: "/login/jwt-session" })).toHaveLength(2);
    expect(world.tenant.sessions.list()).toEqual([]);
    expect(world.tenant.sockets.list()).toEqual([]);
  } finally {
    await closeWorld(world);
  }
});

describe("symptom, cause, named?", () => {
  const named: (readonly string[])[] = [];
  afterAll(() => {
    for (const [row = "", what = "", cause = ""] of named)
      process.stdout.write(`${row.padEnd(6)}${what.padEnd(66)}${cause.padEnd(22)}named\n`);
  });

  test.each(symptoms)("row $row: $what: $cause", async (symptom: Symptom) => {
    const world = await createWorld(symptom.world);
    try {
      symptom.arrange?.(world);
      const results = await visitWorld(world, symptom.questions);
      const complained = complaints(results);
      expect(complained.map(({ step }) => step)).toContain(symptom.step);
      // Whatever else fails, nothing names another cause.
      for (const each of complained)
        expect([each.step, each.outcome, each.cause]).toEqual([
          each.step,
          symptom.outcome ?? each.outcome,
          symptom.cause,
        ]);
      const found = results.find(({ step }) => step === symptom.step);
      expect(`${found?.found}\n${found?.remedy}`).toMatch(symptom.names ?? /./);
      named.push([symptom.row, symptom.what, symptom.cause]);
      for (const each of results.filter(({ outcome }) => outcome === "notTried"))
        expect(each.found).toMatch(/^not tried: needs the step /);
      expect(world.tenant.sessions.list()).toEqual([]);
    } finally {
      await closeWorld(world);
    }
  });
});
