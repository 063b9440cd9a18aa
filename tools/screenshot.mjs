// Takes the pictures of the demo in docs/images/: starts the built demo, signs in, waits for the charts, looks.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("..", import.meta.url));
const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

const pictures = [
  { name: "demo-desktop", viewport: { width: 1440, height: 900 }, user: "Alice Johansson" },
  { name: "demo-phone", viewport: { width: 390, height: 844 }, user: "Alice Johansson", isMobile: true },
];

/** Starts the demo; resolves with the portal's URL, its first line, as soon as it says that it is ready. */
async function startDemo() {
  const demo = spawn(process.execPath, [`${root}dist/cli/main.js`, "demo"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = [];
  for await (const line of createInterface({ input: demo.stdout })) {
    lines.push(line);
    if (line === "ready") break;
  }
  const url = /https?:\S+/.exec(lines[0] ?? "")?.[0];
  if (url === undefined) throw new Error(`The demo printed no URL, but: ${lines.join(" | ")}`);
  return { demo, url };
}

async function waitForCharts(page) {
  const embeds = page.locator('qlik-embed[ui="analytics/chart"]');
  for (const chart of await embeds.all())
    await chart.locator("[data-embed-drawn]").waitFor({ state: "attached", timeout: 60_000 });
  await page.locator("#tiles .tile").first().waitFor();
  await page.locator("#ranking li").first().waitFor();
  await page.locator("#direct-reason[data-outcome]").waitFor();
  await page.locator('#session-state[data-state="active"]').waitFor();
  // The charts glide to their places when they are first drawn.
  await page.waitForTimeout(1500);
}

async function take(browser, url, { name, viewport, user, isMobile = false }) {
  const context = await browser.newContext({
    viewport,
    isMobile,
    ignoreHTTPSErrors: true,
    deviceScaleFactor: 1,
  });
  const page = await context.newPage();
  await page.goto(new URL("/sign-in", url).href);
  await page.getByRole("button", { name: user }).click();
  await waitForCharts(page);
  // A window as high as the page: the charts measure themselves again when a picture stretches it.
  const height = await page.evaluate("document.documentElement.scrollHeight");
  await page.setViewportSize({ ...viewport, height });
  await page.waitForTimeout(1500);
  const path = `${root}docs/images/${name}.png`;
  await page.screenshot({ path });
  console.log(path);
  await context.close();
}

await mkdir(`${root}docs/images`, { recursive: true });
const { demo, url } = await startDemo();
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  for (const picture of pictures) await take(browser, url, picture);
} finally {
  await browser.close();
  demo.kill("SIGTERM");
  if (demo.exitCode === null) await once(demo, "exit");
}
