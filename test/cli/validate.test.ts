import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConfigFolder, createConfigFolder, rightConfig } from "../config/config-folder.ts";
import { runCommand } from "./command.ts";

let folder: ConfigFolder;
let right: string;
let wrong: string;
beforeAll(() => {
  folder = createConfigFolder();
  right = folder.write("right.yaml", rightConfig);
  wrong = folder.write(
    "wrong.yaml",
    `${rightConfig.replace("https://portal", "portal")}session: { idleTimeout: 20 }\n`,
  );
});
afterAll(() => folder.remove());

describe("validate", () => {
  test("says that a configuration is right", async () => {
    expect(await runCommand(["validate", "-c", right])).toEqual({
      code: 0,
      stdout: `${right} is right.\n`,
      stderr: "",
    });
  });

  test("prints every problem with its path", async () => {
    const { code, stdout, stderr } = await runCommand(["validate", "--config", wrong]);
    expect(stderr).toContain("2 problems");
    expect(stderr).toContain("  publicOrigin: ");
    expect(stderr).toContain("  session.idleTimeout: is a bare number");
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });

  test("prints JSON for machines", async () => {
    const good = await runCommand(["validate", "-c", right, "--json"]);
    expect(JSON.parse(good.stdout)).toEqual({ ok: true, problems: [], warnings: [] });
    const bad = await runCommand(["validate", "-c", wrong, "--json"]);
    const { ok, problems } = JSON.parse(bad.stdout) as { ok: boolean; problems: { path: string }[] };
    expect(ok).toBe(false);
    expect(problems.map(({ path }) => path)).toEqual(["session.idleTimeout", "publicOrigin"]);
    expect([good.code, bad.code]).toEqual([0, 1]);
  });

  test("takes flags before variables before the file", async () => {
    const variables = { QSP_SESSION_IDLE_TIMEOUT: "5m", QSP_PUBLIC_ORIGIN: "portal" };
    const flags = ["--public-origin", "https://portal.example.com"];
    expect((await runCommand(["validate", "-c", wrong, ...flags], variables)).code).toBe(0);
    expect((await runCommand(["validate", "-c", wrong], variables)).stderr).toContain(
      "(from QSP_PUBLIC_ORIGIN)",
    );
  });

  test("takes a switch with and without its value", async () => {
    const http = ["validate", "-c", right, "--public-origin=http://portal.localhost"];
    const flag = "--unsafe.plain-http-public";
    expect((await runCommand([...http, flag])).code).toBe(0);
    expect((await runCommand([...http, flag, "true"])).code).toBe(0);
    expect((await runCommand([...http, `${flag}=false`])).code).toBe(1);
    expect((await runCommand([...http, flag, "false"])).code).toBe(1);
  });

  test("names keys in lists by their place", async () => {
    const flags = ["--tenant.signing-keys.0.key-id", "other", "--tenant.signing-keys.0.alg", "ES256"];
    const { stderr } = await runCommand(["validate", "-c", right, ...flags]);
    expect(stderr).toContain("tenant.signingKeys[0].alg: must be RS256");
  });
});
