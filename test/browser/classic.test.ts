import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { APP_ID, OBJECT_ID } from "../../src/emulator/engine/apps/stored-objects.ts";
import { startStack, type Stack } from "../support/stack.ts";
import { launchChromium, newProfile } from "./chromium.ts";
import { lookUntil } from "./looks.ts";
import { barsOf } from "./dashboard-parts.ts";

/*
 * A page of the tenant in a frame of the application, at the root mount: the frame is drawn by the tenant's own script,
 * which asks for its files, data and socket at the application's origin.
 */

interface WebBuilder {
  readonly buildWeb: (options: { readonly outdir: string }) => Promise<void>;
}
const builder = new URL("../../tools/build-web.mjs", import.meta.url).href;
const ann = { subject: "alice@example.test", name: "Alice Johansson", groups: ["Field sales"] };
const framePage = (path: string): string =>
  `<!doctype html><title>portal</title><style>iframe{width:800px;height:600px;border:0}</style><iframe src="${path}"></iframe>`;

let folder: string;
let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "qsp-web-"));
  const { buildWeb } = (await import(builder)) as WebBuilder;
  await buildWeb({ outdir: folder });
  stack = await startStack({
    tenant: { assets: pathToFileURL(`${folder}/tenant/`) },
    proxy: {
      prefix: "/",
      identify: () => ann,
      policy: { presets: ["embed", "classic"] },
      unsafe: { plainHttpTenant: true, plainHttpPublic: true, foreignScriptOnAppOrigin: true },
    },
    mount: (proxy) => (request, response) =>
      proxy(request, response, () => {
        response.setHeader("content-type", "text/html");
        response.end(framePage(`/single/?appid=${APP_ID.sales}&obj=${OBJECT_ID.sales.bar}`));
      }),
  });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
});

test(
  "a page of the tenant in a frame of the application draws its chart through the proxy",
  { timeout: 90_000 },
  async () => {
    const context = await newProfile(browser);
    const complaints: string[] = [];
    context.on("weberror", (error) => complaints.push(String(error.error())));
    context.on("console", (message) => {
      if (message.type() === "error") complaints.push(`${message.text()} ${message.location().url}`);
    });
    const hosts = new Set<string>();
    context.on("request", (request) => hosts.add(new URL(request.url()).host));
    const page = await context.newPage();
    await page.goto(`${stack.origin}/dashboard`);
    await page.frameLocator("iframe").getByText("Sales by region").waitFor();
    const look = await lookUntil(page.locator("iframe"), (seen) => barsOf(seen).length >= 3);
    expect(barsOf(look).length).toBeGreaterThanOrEqual(3);
    expect(stack.tenant.recordings({ path: "/single/" }).map(({ status }) => status)).toEqual([200]);
    expect([...hosts]).toEqual([new URL(stack.origin).host]);
    expect(complaints).toEqual([]);
    expect(await context.cookies()).toEqual([]);
    await context.close();
  },
);
