import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium, launchWithThirdPartyCookies, newProfile, signInAtPortal } from "./chromium.ts";
import { lookAt, lookUntil } from "./looks.ts";
import { barsOf, chartCard, colorsOf } from "./dashboard-parts.ts";
import { createDemoWorld, type DemoWorld } from "./demo-world.ts";

let world: DemoWorld;
let browser: Browser;

beforeAll(async () => {
  world = await createDemoWorld();
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await world?.close();
});

/** Visits the tenant itself and signs in there, as a person who knows nothing of the portal would. */
async function signInAtTenant(context: BrowserContext): Promise<void> {
  const page = await context.newPage();
  await page.goto(`${world.tenant.origin}/login`);
  await page.getByRole("button", { name: "Alice Johansson" }).click();
  await page.waitForURL(`${world.tenant.origin}/`);
  const cookies = await context.cookies(world.tenant.origin);
  expect(cookies.map(({ name }) => name)).toContain("eas.sid");
  await page.close();
}

async function directOutcome(page: Page): Promise<string> {
  const reason = page.locator("#direct-reason[data-outcome]");
  await reason.waitFor();
  return reason.innerText();
}

describe("Chromium that blocks third-party cookies", { timeout: 90_000 }, () => {
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    const context = await newProfile(browser);
    context.on("weberror", (error) => complaints.push(String(error.error())));
    context.on("console", (message) => {
      if (message.type() === "error") complaints.push(`${message.text()} ${message.location().url}`);
    });
    await signInAtTenant(context);
    page = await signInAtPortal(context, world.portal.url, "Alice Johansson");
  });

  test("draws nothing that is embedded straight from the tenant, though the user is signed in there", async () => {
    expect(await directOutcome(page)).toContain("no session cookie reached the tenant");
    expect(await lookAt(page.locator("#direct"))).toEqual({ areas: [], coloredColumns: 0 });
    const refused = world.tenant.recordings({ path: "/api/v1/csrf-token", status: 401 });
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers } of refused)
      expect(headers.filter(([name]) => name.toLowerCase() === "cookie")).toEqual([]);
  });

  test("draws the bars through the proxy, one for each country of the region", async () => {
    const bars = barsOf(await lookUntil(chartCard(page, "bar"), (look) => barsOf(look).length === 5));
    expect(bars).toHaveLength(5);
    expect(new Set(bars.map(({ color }) => color)).size).toBe(1);
    const heights = bars.map(({ top, bottom }) => bottom - top);
    expect(heights).toEqual([...heights].sort((a, b) => b - a));
  });

  test("draws the line through the proxy, across the chart", async () => {
    const card = chartCard(page, "line");
    const width = (await card.boundingBox())?.width ?? 0;
    const { coloredColumns } = await lookUntil(card, (look) => look.coloredColumns > 0.8 * width);
    expect(coloredColumns).toBeGreaterThan(0.8 * width);
  });

  test("draws the pie through the proxy, with a colour for each category", async () => {
    const look = await lookUntil(chartCard(page, "pie"), (seen) => colorsOf(seen, 400) >= 6);
    expect(colorsOf(look, 400)).toBe(6);
  });

  test("shows the key figure, the table, the filter and the selections bar through the proxy", async () => {
    const kpi = chartCard(page, "kpi");
    await kpi.getByText("Margin").waitFor();
    expect(await kpi.innerText()).toMatch(/41\.\d%/);
    await chartCard(page, "table").getByText("Gothenburg").waitFor();
    await page.locator('qlik-embed[ui="analytics/field"]').getByText("Field sales").waitFor();
    await page.getByTitle("Clear all selections").waitFor();
  });

  test("fills the widgets of @qlik/api and enigma.js through the proxy", async () => {
    await page.locator("#tiles .tile").first().waitFor();
    expect(await page.locator("#tiles").innerText()).toMatch(/Sales\s+\$\d/);
    await page.locator("#ranking li").nth(6).waitFor();
  });

  test("runs under the strict policies of the pages, with no complaint but the refusal of the direct chart", () => {
    const refusal = `${world.tenant.origin}/api/v1/csrf-token`;
    expect(complaints.filter((text) => !text.endsWith(refusal))).toEqual([]);
    expect(complaints.filter((text) => text.endsWith(refusal))).toHaveLength(1);
  });

  test("gets no cookie of the tenant for the portal's origin", async () => {
    const names = (await page.context().cookies(world.portal.url)).map(({ name }) => name);
    expect(names).toEqual(["portal_session", "portal_seen"]);
  });
});

describe("Chromium that allows third-party cookies (control)", { timeout: 90_000 }, () => {
  test("draws the chart straight from the tenant, once the user is signed in there", async () => {
    const { context, close } = await launchWithThirdPartyCookies();
    try {
      await signInAtTenant(context);
      const page = await signInAtPortal(context, world.portal.url, "Alice Johansson");
      expect(await directOutcome(page)).toContain("It is drawn");
      const look = await lookUntil(page.locator("#direct"), (seen) => barsOf(seen).length === 5);
      expect(barsOf(look)).toHaveLength(5);
    } finally {
      await close();
    }
  });
});
