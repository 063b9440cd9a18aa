import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TenantEmulatorKind } from "../../src/emulator.ts";
import { type DrivenBrowser, engineNames, engineTitles, launchBrowser, type Tab } from "./browsers.ts";
import { mountColumns, proveMount } from "./mount-proof.ts";
import { createMountsWorld, type MountsWorld } from "./mounts-world.ts";
import { createProofTable, documentedTable } from "./proof-table.ts";

/*
 * The browser sees no difference between kinds of tenant: the page of the usual kind, which test/browser/mounts.test.ts tries in
 * every mount, in front of the others.
 */

const kinds = ["qlik-cloud-oauth", "qlik-sense-jwt"] as const satisfies readonly TenantEmulatorKind[];

const table = createProofTable(
  ["Kind", "Engine"],
  mountColumns,
  kinds.flatMap((kind) => engineNames.map((engine) => [kind, engineTitles[engine]])),
);
afterAll(() => table.print());

const worlds = new Map<TenantEmulatorKind, MountsWorld>();
const worldOf = (kind: TenantEmulatorKind): MountsWorld => {
  const world = worlds.get(kind);
  if (world === undefined) throw new Error(`There is no tenant of the kind ${kind}`);
  return world;
};
beforeAll(async () => {
  for (const kind of kinds) worlds.set(kind, await createMountsWorld({ kind }));
});
afterAll(async () => {
  for (const world of worlds.values()) await world.close();
});

describe.each(engineNames)("%s that blocks third-party cookies", { timeout: 150_000 }, (engine) => {
  let browser: DrivenBrowser;
  let tab: Tab;

  beforeAll(async () => {
    const size = { width: 660, height: 500 };
    browser = await launchBrowser(engine, { thirdPartyCookies: "blocked", size });
    tab = await browser.open("about:blank");
  });
  afterAll(() => browser?.close());

  describe.each(kinds)("%s", (kind) => {
    proveMount({
      kind,
      tab: () => tab,
      tenant: () => worldOf(kind).tenant,
      mount: () => worldOf(kind).mounts.prefix,
      saw: (column, text) => table.saw([kind, engineTitles[engine]], column, text),
    });
  });
});

test("the page of browsers shows what has been seen", () => {
  expect(documentedTable("Kinds of tenant")).toEqual(table.cells());
});
