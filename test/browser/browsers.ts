import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch as launchPuppeteer } from "puppeteer-core";
import { launchWithThirdPartyCookies } from "./chromium.ts";

/** The browsers in which what a page may do is tried. */
export type BrowserName = "chromium" | "firefox";

/** A browser with a new profile whose user has allowed third-party cookies; the same for every engine. */
export interface DrivenBrowser {
  /** Opens an address as if it had been typed. */
  open(url: string): Promise<Tab>;
  close(): Promise<void>;
}

/** A page in it. */
export interface Tab {
  /** Goes to an address as if it had been typed. */
  goto(url: string): Promise<void>;
  /** What an expression of JavaScript gives in the page; awaited if it is a promise. */
  run(expression: string): Promise<unknown>;
  /** Brings the page to the front and clicks at a place of it. */
  click(x: number, y: number): Promise<void>;
}

/** What both engines' pages have in common. */
interface Scriptable {
  goto(url: string): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
  bringToFront(): Promise<void>;
  readonly mouse: { click(x: number, y: number): Promise<void> };
}

const toTab = (page: Scriptable): Tab => ({
  goto: async (url) => void (await page.goto(url)),
  run: (expression) => page.evaluate(expression),
  async click(x, y) {
    await page.bringToFront();
    await page.mouse.click(x, y);
  },
});

/** Names below .test lead here too: unlike .localhost, browsers do not trust them without TLS. */
const chromiumArgs = ["--host-resolver-rules=MAP *.test 127.0.0.1"];

async function launchChromium(): Promise<DrivenBrowser> {
  const { context, close } = await launchWithThirdPartyCookies(chromiumArgs);
  return {
    async open(url) {
      const tab = toTab(await context.newPage());
      await tab.goto(url);
      return tab;
    },
    close,
  };
}

/** The same in Firefox, and what it does not do by itself: windows that scripts open, pings, hints to fetch. */
const firefoxPreferences = {
  "network.cookie.cookieBehavior": 0,
  "dom.disable_open_during_load": false,
  "dom.popup_maximum": -1,
  "browser.send_pings": true,
  "network.prefetch-next": true,
  "network.dns.forceResolve": "127.0.0.1",
};

async function launchFirefox(): Promise<DrivenBrowser> {
  const folder = await mkdtemp(join(tmpdir(), "qsp-firefox-"));
  const browser = await launchPuppeteer({
    browser: "firefox",
    executablePath: "/usr/bin/firefox-esr",
    headless: true,
    timeout: 60_000,
    acceptInsecureCerts: true,
    extraPrefsFirefox: {
      ...firefoxPreferences,
      "browser.download.dir": folder,
      "browser.download.folderList": 2,
    },
  });
  return {
    async open(url) {
      const tab = toTab(await browser.newPage());
      await tab.goto(url);
      return tab;
    },
    async close() {
      await browser.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Starts a browser. */
export function launchBrowser(name: BrowserName): Promise<DrivenBrowser> {
  return name === "chromium" ? launchChromium() : launchFirefox();
}
