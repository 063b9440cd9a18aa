import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch as launchPuppeteer } from "puppeteer-core";
import { launchChromium as launchAsItComes, launchWithThirdPartyCookies, newProfile } from "./chromium.ts";
import { launchWebKit } from "./webkit.ts";

/** The browsers in which what a page may do is tried. */
export type BrowserName = "chromium" | "firefox";

/** The browsers in which charts are drawn. */
export type EngineName = BrowserName | "webkit";

export const engineNames: readonly EngineName[] = ["chromium", "firefox", "webkit"];

/** What a reader calls them. */
export const engineTitles: Readonly<Record<EngineName, string>> = {
  chromium: "Chromium",
  firefox: "Firefox",
  webkit: "WebKit",
};

/** What the browser's user has said about cookies of others than the page's own site. */
export type ThirdPartyCookies = "blocked" | "allowed";

/** How a browser is started. */
export interface LaunchOptions {
  /** Allowed by default. */
  readonly thirdPartyCookies?: ThirdPartyCookies;
  /** The inner size of its windows, in pixels; the engine's own by default. */
  readonly size?: Size;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A browser with a new profile; the same for every engine. */
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
  /** A picture of what of it is in the window. */
  screenshot(): Promise<Buffer>;
}

/** What both engines' pages have in common. */
interface Scriptable {
  goto(url: string): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
  bringToFront(): Promise<void>;
  screenshot(): Promise<Uint8Array>;
  readonly mouse: { click(x: number, y: number): Promise<void> };
}

const toTab = (page: Scriptable): Tab => ({
  goto: async (url) => void (await page.goto(url)),
  run: (expression) => page.evaluate(expression),
  async click(x, y) {
    await page.bringToFront();
    await page.mouse.click(x, y);
  },
  screenshot: async () => Buffer.from(await page.screenshot()),
});

/** Names below .test lead here too: unlike .localhost, browsers do not trust them without TLS. */
const chromiumArgs = ["--host-resolver-rules=MAP *.test 127.0.0.1"];

const blockingChromium = async (): ReturnType<typeof launchWithThirdPartyCookies> => {
  const browser = await launchAsItComes(chromiumArgs);
  return { context: await newProfile(browser), close: () => browser.close() };
};

async function launchChromium({ thirdPartyCookies, size }: LaunchOptions): Promise<DrivenBrowser> {
  const { context, close } = await (thirdPartyCookies === "blocked"
    ? blockingChromium()
    : launchWithThirdPartyCookies(chromiumArgs));
  return {
    async open(url) {
      const page = await context.newPage();
      if (size !== undefined) await page.setViewportSize(size);
      const tab = toTab(page);
      await tab.goto(url);
      return tab;
    },
    close,
  };
}

/** The same in Firefox, and what it does not do by itself: windows that scripts open, pings, hints to fetch. */
const firefoxPreferences = {
  "dom.disable_open_during_load": false,
  "dom.popup_maximum": -1,
  "browser.send_pings": true,
  "network.prefetch-next": true,
  "network.dns.forceResolve": "127.0.0.1",
};

/** What Firefox calls a jar of cookies for each site, as it comes, and no limits. */
const cookieBehaviors: Readonly<Record<ThirdPartyCookies, number>> = { blocked: 5, allowed: 0 };

async function launchFirefox({ thirdPartyCookies = "allowed", size }: LaunchOptions): Promise<DrivenBrowser> {
  const folder = await mkdtemp(join(tmpdir(), "qsp-firefox-"));
  const browser = await launchPuppeteer({
    browser: "firefox",
    executablePath: "/usr/bin/firefox-esr",
    headless: true,
    timeout: 60_000,
    acceptInsecureCerts: true,
    extraPrefsFirefox: {
      ...firefoxPreferences,
      "network.cookie.cookieBehavior": cookieBehaviors[thirdPartyCookies],
      "browser.download.dir": folder,
      "browser.download.folderList": 2,
    },
  });
  return {
    async open(url) {
      const page = await browser.newPage();
      if (size !== undefined) await page.setViewport(size);
      const tab = toTab(page);
      await tab.goto(url);
      return tab;
    },
    async close() {
      await browser.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

const launches: Readonly<Record<EngineName, (options: LaunchOptions) => Promise<DrivenBrowser>>> = {
  chromium: launchChromium,
  firefox: launchFirefox,
  webkit: launchWebKit,
};

/** Starts a browser. */
export function launchBrowser(name: EngineName, options: LaunchOptions = {}): Promise<DrivenBrowser> {
  return launches[name](options);
}
