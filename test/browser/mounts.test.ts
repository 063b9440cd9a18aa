import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DrivenBrowser, engineNames, engineTitles, launchBrowser, type Tab } from "./browsers.ts";
import { barsOf } from "./dashboard-parts.ts";
import { lookAt } from "./looks.ts";
import { mountColumns, proveMount } from "./mount-proof.ts";
import { createMountsWorld, mountNames, type MountsWorld } from "./mounts-world.ts";
import { createProofTable, documentedTable } from "./proof-table.ts";
import { press, until } from "./tab-acts.ts";

/*
 * Every way to mount in every browser engine, third-party cookies blocked: the page's chart is the vendor's own web
 * component, auth modules, engine client and renderer. docs/reference/browsers.md is the table of what is seen here.
 */

const table = createProofTable(
  ["Mount", "Engine"],
  ["embedded directly", ...mountColumns],
  mountNames.flatMap((mount) => engineNames.map((engine) => [mount, engineTitles[engine]])),
);

let world: MountsWorld;
beforeAll(async () => {
  world = await createMountsWorld();
});
afterAll(async () => {
  table.print();
  await world?.close();
});

describe.each(engineNames)("%s that blocks third-party cookies", { timeout: 150_000 }, (engine) => {
  let browser: DrivenBrowser;
  let tab: Tab;

  beforeAll(async () => {
    browser = await launchBrowser(engine, {
      thirdPartyCookies: "blocked",
      size: { width: 660, height: 500 },
    });
    tab = await browser.open("about:blank");
  });
  afterAll(() => browser?.close());

  test("draws nothing that is embedded straight from the tenant, though the user is signed in there", async () => {
    await tab.goto(`${world.tenant.origin}/login`);
    await press(tab, 'button[value="alice@example.test"]');
    await until(tab, `document.body.innerText.includes("Signed in as Alice")`);
    world.tenant.take();
    await tab.goto(world.direct);
    await until(tab, "window.asksToSignIn");
    expect(barsOf(await lookAt(tab))).toEqual([]);
    const [refused] = world.tenant.recordings({ method: "GET", path: "/api/v1/csrf-token" });
    expect(refused?.status).toBe(401);
    // Firefox has a jar for the tenant below this site: what the load balancer set in it comes along, the session not.
    expect(JSON.stringify(refused?.headers)).not.toContain("eas.sid");
    for (const mount of mountNames)
      table.saw([mount, engineTitles[engine]], "embedded directly", "nothing drawn");
  });

  describe.each(mountNames)("%s mount", (name) => {
    proveMount({
      kind: "qlik-cloud-jwt",
      tab: () => tab,
      tenant: () => world.tenant,
      mount: () => world.mounts[name],
      saw: (column, text) => table.saw([name, engineTitles[engine]], column, text),
    });
  });
});

test("the page of browsers shows what has been seen", () => {
  expect(documentedTable("Mounts")).toEqual(table.cells());
});
