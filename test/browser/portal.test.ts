import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from "vitest";
import { launchChromium, newProfile, signInAtPortal } from "./chromium.ts";
import { lookUntil } from "./looks.ts";
import { barsOf, chartCard, tile } from "./dashboard-parts.ts";
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

/** A signed-in person's page, with every text frame that its sockets received. */
interface Visit {
  readonly page: Page;
  readonly received: string[];
  readonly closeCodes: () => Promise<readonly number[]>;
}

/** Notes the close code of every socket of the page, as the page itself sees it. */
const noteCloseCodes = `
  window.closeCodes = [];
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("close", ({ code }) => window.closeCodes.push(code));
    }
  };`;

async function visit(name: string): Promise<Visit> {
  const context = await newProfile(browser);
  await context.addInitScript(noteCloseCodes);
  const received: string[] = [];
  context.on("page", (page) =>
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => received.push(payload.toString())),
    ),
  );
  const page = await signInAtPortal(context, world.portal.url, name);
  await page.locator("#ranking li").first().waitFor();
  await page.locator("#tiles .tile").first().waitFor();
  await lookUntil(chartCard(page, "bar"), (look) => barsOf(look).length > 3);
  return { page, received, closeCodes: () => page.evaluate("window.closeCodes") };
}

/** Clicks into the middle of a bar, counted from the left. */
async function clickBar(page: Page, index: number): Promise<void> {
  const card = chartCard(page, "bar");
  const bars = barsOf(await lookUntil(card, (look) => barsOf(look).length > index));
  const bar = bars[index];
  if (bar === undefined) throw new Error(`There is no bar ${index}`);
  const position = { x: (bar.left + bar.right) / 2, y: (bar.top + bar.bottom) / 2 };
  await card.click({ position });
}

async function untilChanged(read: () => Promise<string>, before: string): Promise<string> {
  await expect.poll(read, { timeout: 10_000 }).not.toBe(before);
  return read();
}

describe("one person on the dashboard", { timeout: 90_000 }, () => {
  let alice: Visit;

  beforeEach(async () => {
    alice = await visit("Alice Johansson");
  });

  afterEach(async () => {
    await alice.page
      .getByTitle("Clear all selections")
      .click({ force: true, timeout: 2000 })
      .catch(() => undefined);
    await alice.page.context().close();
  });

  test("selects with a click on a bar, and everything else follows", async () => {
    const { page } = alice;
    const line = chartCard(page, "line");
    const lineBefore = JSON.stringify(await lookUntil(line, (look) => look.coloredColumns > 100));
    const salesBefore = await tile(page, "Sales");
    const bestBefore = await page.locator("#ranking li").first().innerText();

    await clickBar(page, 1);

    await untilChanged(() => tile(page, "Sales"), salesBefore);
    await untilChanged(() => page.locator("#ranking").innerText(), bestBefore);
    await page.locator('qlik-embed[ui="analytics/selections"]').getByText("Country").waitFor();
    await page.getByTitle("Confirm selection").click();
    expect(barsOf(await lookUntil(chartCard(page, "bar"), (look) => barsOf(look).length === 1))).toHaveLength(
      1,
    );
    const lineAfter = await lookUntil(line, (look) => JSON.stringify(look) !== lineBefore);
    expect(JSON.stringify(lineAfter)).not.toBe(lineBefore);
  });

  test("notices nothing when the Qlik session expires, and costs exactly one more login", async () => {
    const { page, closeCodes } = alice;
    world.takeLogins();
    const seen = await lookUntil(chartCard(page, "bar"), (look) => barsOf(look).length > 3);
    await page.getByRole("button", { name: "Expire my Qlik session" }).click();
    await page.getByText("The tenant has ended your Qlik session").waitFor();
    expect(world.tenant.sessions.list().filter(({ subject }) => subject === "alice@example.test")).toEqual(
      [],
    );
    expect(await lookUntil(chartCard(page, "bar"), () => true)).toEqual(seen);

    const salesBefore = await tile(page, "Sales");
    await clickBar(page, 0);
    await untilChanged(() => tile(page, "Sales"), salesBefore);
    await page.getByText("Renewed").waitFor();
    expect(world.takeLogins()).toBe(1);
    expect(await closeCodes()).toEqual([]);
    expect(await page.locator("[data-embed-notice]").count()).toBe(0);
  });

  test("is back, selections and all, after the tenant has dropped every socket", async () => {
    const { page } = alice;
    await clickBar(page, 2);
    await page.getByTitle("Confirm selection").click();
    expect(world.tenant.sockets.destroy({ subject: "alice@example.test" })).toBe(2);
    const moveAndCount = async (): Promise<number> => {
      await page.mouse.move(600 + Math.random() * 20, 20);
      return world.tenant.sockets.list().length;
    };
    await expect.poll(moveAndCount, { timeout: 30_000 }).toBe(2);
    await page.locator("#ranking:not(.stale)").waitFor();
    await expect.poll(() => page.locator("[data-embed-notice]").count()).toBe(0);
    const ordersBefore = await tile(page, "Order lines");
    await page.locator("#ranking button").first().click();
    await untilChanged(() => tile(page, "Order lines"), ordersBefore);
  });

  test("is out at once after logging out: sockets closed with 4203, charts stopped, tenant session over", async () => {
    const { page, closeCodes } = alice;
    const sessionIds = world.tenant.sockets.list().map(({ tenantSessionId }) => tenantSessionId);
    expect(sessionIds).toHaveLength(2);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByText("You are out").waitFor();
    // The vendor's client may knock again when the mouse moves; that is refused before it is a socket.
    const firstCodes = async (): Promise<readonly number[]> => (await closeCodes()).slice(0, 2);
    await expect.poll(firstCodes, { timeout: 2000 }).toEqual([4203, 4203]);
    await page.locator("[data-embed-notice]").first().waitFor();
    await expect.poll(() => world.tenant.sockets.list().length).toBe(0);
    const living = (): readonly string[] => world.tenant.sessions.list().map(({ id }) => id);
    await expect.poll(() => living().filter((id) => sessionIds.includes(id))).toEqual([]);
    expect(await page.locator("#session-state").innerText()).toBe("signed out");
    const status = await page.evaluate(`fetch("/qlik/api/v1/users/me").then((response) => response.status)`);
    expect(status).toBe(401);
  });
});

describe("two people in two browser profiles", { timeout: 90_000 }, () => {
  test("never see each other's data, not even in the frames of their sockets", async () => {
    const [alice, bruno] = [await visit("Alice Johansson"), await visit("Bruno Keller")];
    expect(await alice.page.locator(".heading").innerText()).toContain("EMEA");
    expect(await bruno.page.locator(".heading").innerText()).toContain("Americas");
    await clickBar(alice.page, 0);
    await clickBar(bruno.page, 0);
    await alice.page.locator('qlik-embed[ui="analytics/selections"]').getByText("Country").waitFor();
    await bruno.page.locator('qlik-embed[ui="analytics/selections"]').getByText("Country").waitFor();

    const [aliceFrames, brunoFrames] = [alice.received.join("\n"), bruno.received.join("\n")];
    expect(aliceFrames).toContain("Sweden");
    expect(aliceFrames).not.toMatch(/Canada|Brazil|Mexico|Americas|Toronto|Austin|Bruno/);
    expect(brunoFrames).toContain("Canada");
    expect(brunoFrames).not.toMatch(/Sweden|Germany|France|EMEA|Stockholm|Paris|Alice/);
    await alice.page.context().close();
    await bruno.page.context().close();
  });
});
