import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adminToken, type AdminWorld, adminWorlds } from "../server/admin-world.ts";
import { launchChromium } from "./chromium.ts";

const world = adminWorlds();
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser?.close());

/** A page of an operator, and what went wrong on it. */
interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Words on the browser's console, a refusal without the token aside; and requests to anybody else. */
  readonly troubles: string[];
}

async function watch(
  { adminUrl }: AdminWorld,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<Watched> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on("console", (message) => {
    if (!message.text().includes("401")) troubles.push(message.text());
  });
  page.on("pageerror", (error) => troubles.push(error.message));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== adminUrl) troubles.push(request.url());
  });
  await page.goto(adminUrl);
  return { page, context, troubles };
}

async function enter(page: Page, token: string): Promise<void> {
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Open the console" }).click();
}

const figure = (page: Page, name: string) =>
  page.locator("#figures > div", { has: page.getByText(name, { exact: true }) }).locator(".value");

/** The text of a place, again and again. */
const textOf = (page: Page, selector: string) => () => page.locator(selector).innerText();

describe("the console", () => {
  test("shows nothing without the token, and keeps it in the tab alone", async () => {
    const made = await world();
    await made.visit("ann");
    const { page, context, troubles } = await watch(made);
    expect(await page.locator("#console").isVisible()).toBe(false);
    await enter(page, "wrong");
    await expect.poll(textOf(page, "#sign-in-reason")).toContain("Authorization");
    expect(await page.locator("#console").isVisible()).toBe(false);
    await enter(page, adminToken);
    await page.locator("#people .revoke").waitFor();
    await page.reload();
    await page.locator("#people .revoke").waitFor();
    const other = await context.newPage();
    await other.goto(made.adminUrl);
    await other.locator("#sign-in").waitFor();
    expect(await other.locator("#console").isVisible()).toBe(false);
    expect(await context.cookies()).toEqual([]);
    expect(await page.evaluate("localStorage.length + location.href.length")).toBe(made.adminUrl.length + 1);
    await page.getByRole("button", { name: "Forget the token" }).click();
    await page.locator("#sign-in").waitFor();
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
    expect(await page.locator("body").innerText()).not.toContain("ann");
    expect(troubles).toEqual([]);
    await context.close();
  });

  test("is live, draws it, and ends somebody's access with one click", { timeout: 60_000 }, async () => {
    const made = await world();
    const { page, context, troubles } = await watch(made);
    await enter(page, adminToken);
    await expect.poll(textOf(page, "#people"), { timeout: 20_000 }).toBe("nobody");
    const open = await made.socket("ann");
    await expect.poll(() => figure(page, "WebSockets").innerText(), { timeout: 20_000 }).toBe("1");
    let isOver = false;
    const working = (async () => {
      while (!isOver) {
        await made.visit("bob");
        await sleep(20);
      }
    })();
    await expect
      .poll(async () => Number.parseFloat(await figure(page, "Requests").innerText()), { timeout: 20_000 })
      .toBeGreaterThan(1);
    isOver = true;
    await working;
    await expect.poll(textOf(page, "#people"), { timeout: 20_000 }).toContain("ann");
    expect(await page.locator(".chart canvas").count()).toBe(6);
    const isDrawn = `(() => {
      const { width, height } = document.querySelector(".chart canvas");
      const { data } = document.querySelector(".chart canvas").getContext("2d").getImageData(0, 0, width, height);
      return data.some((value, index) => index % 4 === 2 && value - data[index - 2] > 60 && data[index + 1] > 200);
    })()`;
    await expect.poll(() => page.evaluate(isDrawn), { timeout: 20_000 }).toBe(true);
    await page.getByRole("button", { name: "Revoke ann" }).click();
    expect(await open.closed).toEqual({ code: 4203, reason: '{"code":"QSP-REVOKED"}' });
    await expect.poll(textOf(page, "#people-word")).toBe("ann is out: 1 session has ended.");
    await expect.poll(textOf(page, "#people")).not.toContain("ann");
    await expect.poll(textOf(page, "#events"), { timeout: 20_000 }).toContain("session.revoked");
    expect(troubles).toEqual([]);
    await context.close();
  });

  test("tells of events while sessions cannot be listed, and asks one question at a time", async () => {
    const made = await world();
    await made.visit("ann");
    const { page, context } = await watch(made);
    const lists: number[] = [];
    await page.route("**/sessions?limit=*", (route) => {
      lists.push(Date.now());
      return route.fulfill({ status: 503, json: { errors: [{ title: "the store is down" }] } });
    });
    let asked = 0;
    let most = 0;
    await page.route("**/console/state?*", async (route) => {
      asked += 1;
      most = Math.max(most, asked);
      await sleep(200);
      asked -= 1;
      await route.continue();
    });
    await enter(page, adminToken);
    await expect.poll(textOf(page, "#trouble")).toContain("the store is down");
    await expect.poll(textOf(page, "#events")).toContain("session.created");
    const again = `for (let count = 0; count < 5; count += 1)
      setTimeout(() => document.dispatchEvent(new Event("visibilitychange")), 50 * count)`;
    for (let round = 0; round < 2; round += 1) {
      const answered = page.waitForResponse(/console\/state/u);
      await page.evaluate(again);
      await answered;
    }
    expect(most).toBe(1);
    expect(lists.filter((at, index) => index > 0 && at - (lists[index - 1] ?? 0) < 3000)).toEqual([]);
    await context.close();
  });

  test("shows the name of a person as text, whatever it holds", async () => {
    const made = await world();
    const names = [
      `<img src=x onerror="document.title='owned'">`,
      `"><script>document.title='owned'</script>`,
      "javascript:document.title='owned'",
      "a'b&amp {{7*7}}${7*7}",
    ];
    for (const name of names) expect((await made.visit(name)).status).toBe(200);
    const { page, context, troubles } = await watch(made);
    await enter(page, adminToken);
    await page.locator("#people .revoke").first().waitFor();
    expect((await page.locator("#people .subject").allInnerTexts()).toSorted()).toEqual(names.toSorted());
    await expect.poll(textOf(page, "#events")).toContain(names[0]);
    expect(await page.title()).toBe("Session proxy");
    expect(await page.locator("#console img, #console script, #console a").count()).toBe(0);
    await page.getByRole("button", { name: `Revoke ${names[0]}` }).click();
    await expect.poll(textOf(page, "#people-word")).toBe(`${names[0]} is out: 1 session has ended.`);
    expect(await page.title()).toBe("Session proxy");
    expect(troubles).toEqual([]);
    await context.close();
  });

  test("fits a phone, and is dark where the person wants it so", async () => {
    const made = await world();
    await made.visit(`somebody-with-a-long-name-${"x".repeat(200)}`);
    const viewport = { width: 360, height: 740 };
    const { page, context } = await watch(made, { viewport, isMobile: true, colorScheme: "dark" });
    await enter(page, adminToken);
    await page.locator("#people .revoke").waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(viewport.width);
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(14, 18, 25)");
    await page.emulateMedia({ colorScheme: "light" });
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(244, 245, 248)");
    await context.close();
  });
});
