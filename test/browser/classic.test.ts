import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DrivenBrowser, engineNames, engineTitles, launchBrowser, type Tab } from "./browsers.ts";
import { capabilityPage, sensePage, singlePage } from "./classic-pages.ts";
import { barsOf } from "./dashboard-parts.ts";
import { lookAt } from "./looks.ts";
import { createMountsWorld, type MountName, type MountsWorld } from "./mounts-world.ts";
import { createProofTable, documentedTable } from "./proof-table.ts";
import { barHeights } from "./tab-acts.ts";

/*
 * Embeds that are older than qlik-embed: pages of the tenant in a frame, and the Capability API. They ask for files at the
 * root of the origin, so that what works depends on the mount. The local tenant's pages ask as facts §6.2 and §8 say; what
 * the vendor's own ask for beyond that is not public.
 */

/** A page of the application, what it is put on, and what comes of it. */
interface Claim {
  readonly embed: string;
  readonly mount: string;
  readonly on: MountName;
  readonly page: (base: string) => string;
  /** Whether it is one of the main ones, which are tried in every engine. */
  readonly isMain?: boolean;
  /** What shows that nothing can be drawn; undefined where the chart is. */
  readonly ends?: () => boolean;
}

let world: MountsWorld;
const isMissing = (path: string) => (): boolean => world.takeMissing().includes(path);
const isSentToLogin = (): boolean =>
  world.tenant.recordings({ path: "/single/" }).some(({ status }) => status === 302);
const pageScript = "/resources/js/tenant-page.js";

const claims: readonly Claim[] = [
  { embed: "`/single` in a frame", mount: "root", on: "root", page: singlePage, isMain: true },
  { embed: "`/single` in a frame", mount: "own host", on: "own host", page: singlePage, isMain: true },
  {
    embed: "`/single` in a frame",
    mount: "prefix",
    on: "prefix",
    page: singlePage,
    isMain: true,
    ends: isMissing(pageScript),
  },
  { embed: "`/sense/app` in a frame", mount: "root", on: "root", page: sensePage },
  { embed: "`/sense/app` in a frame", mount: "own host", on: "own host", page: sensePage, isMain: true },
  {
    embed: "`/sense/app` in a frame",
    mount: "prefix",
    on: "prefix",
    page: sensePage,
    ends: isMissing(pageScript),
  },
  { embed: "Capability API", mount: "root", on: "root", page: (base) => capabilityPage(base, "/") },
  {
    embed: "Capability API",
    mount: "own host",
    on: "own host",
    page: (base) => capabilityPage(base, "/"),
    isMain: true,
  },
  {
    embed: "Capability API",
    mount: "prefix, told to it",
    on: "prefix",
    page: (base) => capabilityPage(base, "/qlik/"),
  },
  {
    embed: "Capability API",
    mount: "prefix, not told",
    on: "prefix",
    page: (base) => capabilityPage(base, "/"),
    ends: isMissing("/api/v1/csrf-token"),
  },
  {
    embed: "`/single` in a frame",
    mount: "none: the tenant itself",
    on: "own host",
    page: () => singlePage(world.tenant.origin),
    ends: isSentToLogin,
  },
];

const table = createProofTable(
  ["Embed", "Mount"],
  Object.values(engineTitles),
  claims.map(({ embed, mount }) => [embed, mount]),
);

beforeAll(async () => {
  world = await createMountsWorld({ classic: true });
});
afterAll(async () => {
  table.print();
  await world?.close();
});

describe.each(engineNames)("%s", { timeout: 150_000 }, (engine) => {
  let browser: DrivenBrowser;
  let tab: Tab;
  beforeAll(async () => {
    browser = await launchBrowser(engine, {
      thirdPartyCookies: "blocked",
      size: { width: 660, height: 480 },
    });
    tab = await browser.open("about:blank");
  });
  afterAll(() => browser?.close());

  const tried = claims.filter(({ isMain = false }) => isMain || engine === "chromium");

  async function show({ on, page }: Claim): Promise<void> {
    const { base, signIn } = world.mounts[on];
    world.publish("/classic", page(base));
    world.takeMissing();
    world.tenant.take();
    await tab.goto(signIn("/classic"));
  }

  test.each(tried.filter(({ ends }) => ends === undefined))(
    "draws $embed with the mount $mount",
    async (claim) => {
      await show(claim);
      expect(await barHeights(tab, 3)).toHaveLength(3);
      table.saw([claim.embed, claim.mount], engineTitles[engine], "drawn");
    },
  );

  test.each(tried.filter(({ ends }) => ends !== undefined))(
    "draws nothing for $embed with the mount $mount",
    async (claim) => {
      await show(claim);
      await expect.poll(() => claim.ends?.(), { timeout: 60_000 }).toBe(true);
      expect(barsOf(await lookAt(tab))).toEqual([]);
      table.saw([claim.embed, claim.mount], engineTitles[engine], "nothing drawn");
    },
  );
});

test("the page of browsers shows what has been seen of them", () => {
  expect(documentedTable("Classic embeds")).toEqual(table.cells());
});
