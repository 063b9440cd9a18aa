import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

const executablePath = "/usr/bin/chromium";
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--ignore-certificate-errors"];
const viewport = { width: 1440, height: 2000 };

/** Debian's Chromium as it comes: third-party cookies are blocked. */
export async function launchChromium(moreArgs: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath, args: [...args, ...moreArgs] });
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
