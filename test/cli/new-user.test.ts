import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium, newProfile } from "../browser/chromium.ts";
import { lookUntil } from "../browser/looks.ts";
import { barsOf } from "../browser/dashboard-parts.ts";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";
import { startPortalDoor, startPythonPortal } from "../support/portal-door.ts";
import { freePort, runCommand, type RunningCommand, startCommand } from "./command.ts";

/*
 * The path of somebody who has never seen the program, with the commands of docs/how-to/first-hour.md: real processes, the
 * sample portal in Python, nginx, a browser.
 */

const embedFile = fileURLToPath(
  new URL("../../node_modules/@qlik/embed-web-components/dist/index.js", import.meta.url),
);

let folder: ConfigFolder;
let config: string;
let ports: { readonly door: number; readonly portal: number; readonly proxy: number };
let tenantPort: number;
let controlUrl: string;
let variables: Readonly<Record<string, string>>;
const running: { close(): Promise<void> }[] = [];

const keep = (command: RunningCommand): RunningCommand => {
  running.push({ close: () => command.kill() });
  return command;
};

beforeAll(async () => {
  folder = createConfigFolder();
  config = join(folder.path, "qlik-session-proxy.yaml");
  ports = { door: await freePort(), portal: await freePort(), proxy: await freePort() };
  tenantPort = await freePort();
  variables = {
    QSP_TENANT_CA_FILE: join(folder.path, "tenant.pem"),
    QSP_ADMIN_LISTEN: `127.0.0.1:${await freePort()}`,
  };
});

afterAll(async () => {
  for (const each of running.splice(0).toReversed()) await each.close();
  folder.remove();
});

const origin = (): string => `http://portal.localhost:${ports.door}`;

/** Who has a session at the tenant. */
async function tenantSubjects(): Promise<readonly string[]> {
  const sessions = (await (await fetch(`${controlUrl}/sessions`)).json()) as { readonly subject: string }[];
  return sessions.map(({ subject }) => subject);
}

interface Step {
  readonly step: string;
  readonly outcome: string;
}

async function doctor(): Promise<{ readonly code: number | null; readonly steps: readonly Step[] }> {
  const { code, stdout } = await runCommand(["doctor", "-c", config, "--json"], variables);
  return { code, ...(JSON.parse(stdout) as { readonly steps: readonly Step[] }) };
}

describe("the first hour", { timeout: 120_000 }, () => {
  test("keygen, init, validate", async () => {
    const keys = join(folder.path, "keys");
    expect((await runCommand(["keygen", "--out", keys, "--alg", "ES384"])).code).toBe(0);
    const told = [
      "--tenant",
      `https://acme.localhost:${tenantPort}`,
      "--public-origin",
      origin(),
      "--issuer",
      "acme-portal",
      "--listen",
      `127.0.0.1:${ports.proxy}`,
    ];
    const { code, stdout } = await runCommand(["init", "--yes", "--out", folder.path, ...told]);
    expect(code).toBe(0);
    expect(stdout).toContain(readFileSync(join(keys, "certificate.pem"), "utf8").trim());
    expect((await runCommand(["validate", "-c", config])).code).toBe(0);
  });

  test("emulate is the tenant that the configuration expects, and doctor is content", async () => {
    const certificate = variables["QSP_TENANT_CA_FILE"] ?? "";
    const tenant = keep(startCommand(["emulate", "-c", config, "--certificate-out", certificate]));
    await tenant.line((line) => line === "ready");
    controlUrl = tenant.lines[1] ?? "";
    const { code, steps } = await doctor();
    expect(steps.filter(({ outcome }) => outcome !== "passed" && outcome !== "skipped")).toEqual([]);
    expect(code).toBe(0);
  });

  test("serve stands behind nginx and a portal in Python, and doctor sees all three", async () => {
    const proxy = keep(startCommand(["serve", "-c", config], variables));
    await proxy.line((line) => line.includes('"server.started"'));
    const flags = ["--port", String(ports.portal), "--origin", origin(), "--embed-file", embedFile];
    running.push(await startPythonPortal(flags), await startPortalDoor(ports));
    const { code, steps } = await doctor();
    const about = steps.filter(({ step }) => /^public-origin|^door-/.test(step));
    expect(about.map(({ outcome }) => outcome)).toEqual(["passed", "passed", "passed"]);
    expect(steps.filter(({ outcome }) => outcome !== "passed").map(({ step }) => step)).toEqual([
      "listeners",
      "groups",
    ]);
    expect(code).toBe(0);
  });

  test("a browser draws a chart", async () => {
    const browser: Browser = await launchChromium();
    try {
      const page = await (await newProfile(browser)).newPage();
      await page.goto(origin());
      await page.getByRole("button", { name: "Alice Johansson" }).click();
      expect(await page.locator("#name").innerText()).toBe("Alice Johansson");
      const chart = page.locator("#chart");
      const bars = barsOf(await lookUntil(chart, (look) => barsOf(look).length > 2));
      expect(bars.length).toBeGreaterThan(2);
      const session = await page.evaluate("fetch('/qlik/_session').then((answer) => answer.json())");
      expect(session).toMatchObject({ authenticated: true, active: true, subject: "alice@example.test" });
      expect(await tenantSubjects()).toEqual(["alice@example.test"]);
      expect(await page.context().cookies()).toEqual([expect.objectContaining({ name: "portal_session" })]);
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("button", { name: "Bruno Keller" }).waitFor();
      expect(await tenantSubjects()).toEqual([]);
      expect(await page.evaluate("fetch('/qlik/api/v1/users/me').then(({ status }) => status)")).toBe(401);
    } finally {
      await browser.close();
    }
  });
});
