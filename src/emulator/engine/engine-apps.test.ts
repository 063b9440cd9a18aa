import { describe, expect, test } from "vitest";
import { defaultApps } from "./apps/default-apps.ts";
import { APP_ID } from "./apps/stored-objects.ts";
import { EngineApps } from "./engine-apps.ts";
import type { SessionPlace } from "./engine-session.ts";
import type { Table } from "./table.ts";

const apps = new EngineApps(defaultApps());

function place(appId: string, groups: readonly string[], more: Partial<SessionPlace> = {}): SessionPlace {
  const user = { id: "u1", subject: "ada", name: "Ada", groups };
  return { user, identity: "", appId, sourceAppId: "", ...more };
}

function values(table: Table, field: string): readonly string[] {
  return (table.columns.get(field)?.values ?? []).map(({ text }) => text).sort();
}

describe("section access", () => {
  const everything = apps.open(place(APP_ID.sales, []), false).table;
  const emea = apps.open(place(APP_ID.sales, ["Sales EMEA", "Staff"]), false).table;

  test("leaves users without a region's group everything", () => {
    expect(values(everything, "Region")).toEqual(["APAC", "Americas", "EMEA"]);
  });

  test("leaves a region's group only its rows, and no trace of others in any field", () => {
    expect(values(emea, "Region")).toEqual(["EMEA"]);
    expect(emea.rowCount).toBeLessThan(everything.rowCount);
    for (const foreign of ["Tokyo", "Boston", "Lima", "Sydney"])
      expect(values(emea, "City")).not.toContain(foreign);
    for (const column of emea.columns.values()) {
      const used = new Set(column.codes);
      expect(column.values.every((_, code) => used.has(code))).toBe(true);
    }
  });

  test("adds up for members of several groups", () => {
    const both = apps.open(place(APP_ID.sales, ["Sales Americas", "Sales EMEA"]), false).table;
    expect(values(both, "Region")).toEqual(["Americas", "EMEA"]);
  });

  test("holds in a session app made from the app", () => {
    const made = place("SessionApp_1", ["Sales Americas"], { sourceAppId: APP_ID.sales });
    expect(values(apps.open(made, false).table, "Region")).toEqual(["Americas"]);
  });
});

describe("access", () => {
  test("is granted, denied or unknown", () => {
    const user = place("", ["Staff"]).user;
    expect(apps.access(APP_ID.sales, user)).toBe("granted");
    expect(apps.access(APP_ID.payroll, user)).toBe("denied");
    expect(apps.access(APP_ID.payroll, { ...user, groups: ["People team"] })).toBe("granted");
    expect(apps.access("nope", user)).toBe("unknown");
    expect(apps.access("SessionApp_x", user)).toBe("granted");
    expect(apps.summariesFor(user).map(({ id }) => id)).not.toContain(APP_ID.payroll);
  });

  test("gives no data of a forbidden app to a session app made from it", () => {
    const made = place("SessionApp_2", [], { sourceAppId: APP_ID.payroll });
    expect(apps.open(made, false).table.columns.size).toBe(0);
  });
});

test.each(apps.summaries())("$name has rows, fields with dates, and objects", ({ id, size }) => {
  const { table, definition } = apps.open(place(id, []), false);
  expect(size).toBeGreaterThan(10_000);
  expect(table.rowCount).toBeGreaterThan(1000);
  expect([...table.columns.values()].some(({ tags }) => tags.includes("$date"))).toBe(true);
  expect(definition.objects.length).toBeGreaterThan(1);
});

test("an app opened without data has its fields and no rows", () => {
  const doc = apps.open(place(APP_ID.sales, []), true);
  expect(doc.table.rowCount).toBe(0);
  expect(doc.table.columns.size).toBeGreaterThan(10);
});

test("what a user stores is there in their next session, and in nobody else's", () => {
  const first = apps.open(place(APP_ID.energy, []), false);
  first.create({ qInfo: { qId: "mine", qType: "note" } }, "GenericObject", true);
  first.create({ qInfo: { qId: "gone", qType: "note" } }, "GenericObject", false);
  const again = apps.open(place(APP_ID.energy, []), false);
  expect(again.find("mine", "GenericObject")?.type).toBe("note");
  expect(again.find("gone", "GenericObject")).toBeUndefined();
  const other = { ...place(APP_ID.energy, []), user: { id: "u2", subject: "bo", name: "Bo", groups: [] } };
  expect(apps.open(other, false).find("mine", "GenericObject")).toBeUndefined();
});
