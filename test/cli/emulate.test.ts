import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";
import { freePort, runCommand, type RunningCommand, startCommand } from "./command.ts";

let folder: ConfigFolder;
const running: RunningCommand[] = [];
beforeAll(() => {
  folder = createConfigFolder();
});
afterEach(async () => {
  for (const command of running.splice(0)) await command.kill();
});
afterAll(() => folder.remove());

const emulate = async (...flags: readonly string[]): Promise<RunningCommand> => {
  const command = startCommand(["emulate", ...flags]);
  running.push(command);
  await command.line((line) => line === "ready");
  return command;
};

describe("emulate", () => {
  test("prints the tenant, its control endpoint, then ready; ends with 0", async () => {
    const port = await freePort();
    const command = await emulate("--port", String(port));
    expect(command.lines).toEqual([
      `https://acme.localhost:${port}`,
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/?$/),
      "ready",
    ]);
    const answer = await fetch(command.lines[1] ?? "");
    expect(await answer.json()).toMatchObject({ origin: command.lines[0] });
    command.signal("SIGTERM");
    expect(await command.ended).toBe(0);
  });

  test("writes the certificate that it made", async () => {
    const out = join(folder.path, "tenant.pem");
    await emulate("--certificate-out", out);
    expect(new X509Certificate(readFileSync(out)).subjectAltName).toContain("DNS:acme.localhost");
  });

  test("serves plain HTTP when told", async () => {
    const command = await emulate("--plain-http", "--port", "0");
    expect(command.lines[0]).toMatch(/^http:\/\/acme\.localhost:\d+$/);
  });

  test("says when the port is taken", async () => {
    const port = await freePort();
    await emulate("--port", String(port));
    const { code, stdout, stderr } = await runCommand(["emulate", "--port", String(port)]);
    expect(stderr).toContain(`127.0.0.1:${port} is already in use`);
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });

  test("says everything that is wrong with the configuration", async () => {
    const file = folder.write("wrong.yaml", "tenant: { origin: acme }\n");
    const { code, stdout, stderr } = await runCommand(["emulate", "-c", file]);
    expect(stderr).toContain("  tenant.origin: ");
    expect(stderr).toContain("  publicOrigin: is missing");
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });
});
