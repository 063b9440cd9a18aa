import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from "playwright-core";
import { coloredAreas, coloredColumns, type ColoredArea } from "./colored-areas.ts";
import { decodePng } from "./png.ts";

const executablePath = "/usr/bin/chromium";
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--ignore-certificate-errors"];
const viewport = { width: 1440, height: 2000 };

/** Debian's Chromium as it comes: third-party cookies are blocked. */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath, args });
}

/** A new person's browser profile: no cookies, the local tenant's own certificate accepted. */
export async function newProfile(browser: Browser): Promise<BrowserContext> {
  return browser.newContext({ viewport, ignoreHTTPSErrors: true });
}

/** A Chromium whose user has allowed third-party cookies; the setting exists for profiles on disk only. */
export async function launchWithThirdPartyCookies(moreArgs: readonly string[] = []): Promise<{
  context: BrowserContext;
  readonly close: () => Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), "qsp-profile-"));
  await mkdir(join(folder, "Default"));
  const preferences = { profile: { cookie_controls_mode: 0, block_third_party_cookies: false } };
  await writeFile(join(folder, "Default/Preferences"), JSON.stringify(preferences));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath,
    headless: false,
    args: ["--headless", ...args, ...moreArgs],
    viewport,
    ignoreHTTPSErrors: true,
  });
  return {
    context,
    async close() {
      await context.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Opens the portal and signs in there as one of its two people. */
export async function signInAtPortal(context: BrowserContext, url: string, name: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(new URL("/sign-in", url).href);
  await page.getByRole("button", { name }).click();
  await page.locator("#session").waitFor();
  return page;
}

/** What a part of the page looks like. */
export interface Look {
  /** Its regions of strong colour, left to right. */
  readonly areas: readonly ColoredArea[];
  /** How many of its pixel columns have a strong colour somewhere; what a thin line crosses. */
  readonly coloredColumns: number;
}

/** Looks at a part of the page, once two looks in a row see the same. */
export async function lookAt(part: Locator): Promise<Look> {
  let before = "";
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const picture = decodePng(await part.screenshot({ animations: "disabled" }));
    const look = { areas: coloredAreas(picture), coloredColumns: coloredColumns(picture) };
    const now = JSON.stringify(look);
    if (now === before) return look;
    before = now;
    await part.page().waitForTimeout(150);
  }
  throw new Error("The drawing does not come to rest");
}

/** Looks until what is seen is as expected; answers the last look, so that a failure shows what was there. */
export async function lookUntil(part: Locator, expected: (look: Look) => boolean): Promise<Look> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const look = await lookAt(part);
    if (expected(look) || Date.now() > deadline) return look;
    await part.page().waitForTimeout(200);
  }
}
