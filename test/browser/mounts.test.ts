import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, type DrivenBrowser, type EngineName, type Tab } from "./browsers.ts";
import { barsOf } from "./dashboard-parts.ts";
import { lookAt } from "./looks.ts";
import { createMountsWorld, mountNames, type Mount, type MountsWorld } from "./mounts-world.ts";
import { createProofTable, documentedTable } from "./proof-table.ts";
import { barHeights, press, until } from "./tab-acts.ts";

/*
 * Every way to mount in every browser engine, third-party cookies blocked: the page's chart is the vendor's own web
 * component, auth modules, engine client and renderer. docs/reference/browsers.md is the table of what is seen here.
 */

const engines: readonly EngineName[] = ["chromium", "firefox", "webkit"];

const titles: Readonly<Record<EngineName, string>> = {
  chromium: "Chromium",
  firefox: "Firefox",
  webkit: "WebKit",
};

const table = createProofTable(
  ["Mount", "Engine"],
  ["embedded directly", "through the proxy", "click on a bar", "session expires", "log-out"],
  mountNames.flatMap((mount) => engines.map((engine) => [mount, titles[engine]])),
);

let world: MountsWorld;
beforeAll(async () => {
  world = await createMountsWorld();
});
afterAll(async () => {
  table.print();
  await world?.close();
});

/** Clicks until the chart has begun a selection: a click that comes before it listens is lost. */
async function clickBar(tab: Tab, index: number): Promise<void> {
  const hasBegun = `document.querySelector('[title="Confirm selection"]') !== null`;
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const bar = barsOf(await lookAt(tab))[index];
    if (bar === undefined) throw new Error(`There is no bar ${index}`);
    await tab.click((bar.left + bar.right) / 2, (bar.top + bar.bottom) / 2);
    for (let look = 1; look <= 40; look += 1) {
      if ((await tab.run(hasBegun)) === true) return;
      await wait(100);
    }
  }
  throw new Error("No click begins a selection");
}

/** Asks for the user through the vendor's own client; the status of the answer. */
const askByVendor = ({ base, authType }: Mount): string => `
  QlikMain.import("invoke-fetch@v1").then(({ invokeFetch }) => invokeFetch("users", {
    method: "get", pathTemplate: "/api/v1/users/me",
    options: { hostConfig: { host: "${base}", authType: "${authType}" }, noCache: true },
  })).then(({ status }) => status, (error) => error.status ?? String(error))`;

const askSession = ({ base }: Mount, method = "GET"): string => `
  fetch("${base}/_session", { method: "${method}", credentials: "include" })
    .then(async (response) => response.status === 204 ? 204 : response.json())`;

describe.each(engines)("%s that blocks third-party cookies", { timeout: 150_000 }, (engine) => {
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
    for (const mount of mountNames) table.saw([mount, titles[engine]], "embedded directly", "nothing drawn");
  });

  describe.each(mountNames)("%s mount", (name) => {
    const mount = (): Mount => world.mounts[name];
    const row = [name, titles[engine]];

    test("draws the chart", async () => {
      await tab.goto(mount().signIn());
      expect(await barHeights(tab, 3)).toHaveLength(3);
      table.saw(row, "through the proxy", "chart drawn");
    });

    test("selects with a click on a bar", async () => {
      await clickBar(tab, 1);
      await press(tab, '[title="Confirm selection"]');
      await until(tab, `document.querySelector('[title="Confirm selection"]') === null`);
      expect(await barHeights(tab, 1)).toHaveLength(1);
      table.saw(row, "click on a bar", "selects");
    });

    test("renews an expired session without anybody noticing", async () => {
      world.tenant.take();
      expect(world.tenant.sessions.expire(mount().subject)).toBe(1);
      expect(await tab.run(askByVendor(mount()))).toBe(200);
      await press(tab, '[title="Clear all selections"]');
      expect(await barHeights(tab, 3)).toHaveLength(3);
      expect(world.tenant.recordings({ path: "/login/jwt-session" })).toHaveLength(1);
      expect(await tab.run("closeCodes")).toEqual([]);
      table.saw(row, "session expires", "renewed unseen");
    });

    test("is over with the log-out", async () => {
      expect(await tab.run(askSession(mount()))).toMatchObject({ active: true, sockets: 1 });
      expect(await tab.run(askSession(mount(), "DELETE"))).toBe(204);
      await expect.poll(() => tab.run("closeCodes.slice(0, 1)"), { timeout: 2000 }).toEqual([4203]);
      expect(await tab.run(askSession(mount()))).toMatchObject({ active: false, sockets: 0 });
      const asked = `fetch("${mount().base}/api/v1/users/me", { credentials: "include" })`;
      expect(await tab.run(`${asked}.then(({ status }) => status)`)).toBe(401);
      expect(world.tenant.sessions.list().filter(({ subject }) => subject === mount().subject)).toEqual([]);
      table.saw(row, "log-out", "ends it");
    });
  });
});

test("the page of browsers shows what has been seen", () => {
  expect(documentedTable("Mounts")).toEqual(table.cells());
});
