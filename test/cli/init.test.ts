import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collectWishes } from "../../src/cli/init/wishes.ts";
import { UsageError } from "../../src/cli/verb.ts";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";
import { runCommand } from "./command.ts";

let folder: ConfigFolder;
beforeAll(() => {
  folder = createConfigFolder();
});
afterAll(() => folder.remove());

const told = ["--tenant", "acme.eu.qlikcloud.com", "--public-origin", "https://portal.example.com/start"];
const local = { tenant: "http://acme.localhost:1", "public-origin": "http://portal.localhost:2" };
const init = (name: string, ...flags: readonly string[]) =>
  runCommand(["init", "--alg", "ES384", "--out", join(folder.path, name), ...flags]);
const configOf = (name: string): string => join(folder.path, name, "qlik-session-proxy.yaml");

describe("init", () => {
  test("writes a configuration that is right, its keys and secrets, and says what goes where", async () => {
    const { code, stdout, stderr } = await init("new", "--yes", "--issuer", "acme-portal", ...told);
    expect([stderr, code]).toEqual(["", 0]);
    expect(await runCommand(["validate", "-c", configOf("new")])).toMatchObject({ code: 0, stderr: "" });
    const keyId = /keyId: "([^"]+)"/.exec(readFileSync(configOf("new"), "utf8"))?.[1] ?? "none";
    expect(stdout).toContain("Administration > Identity providers > Create new > JWT");
    expect(stdout).toMatch(new RegExp(`Key ID +${keyId}\n +Issuer +acme-portal`));
    expect(stdout).toContain(readFileSync(join(folder.path, "new/keys/certificate.pem"), "utf8").trim());
    expect(stdout).not.toContain("PRIVATE KEY");
    for (const secret of ["keys/private-key.pem", "secrets/session-secret", "secrets/admin-token"]) {
      const path = join(folder.path, "new", secret);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(stdout).not.toContain(readFileSync(path, "utf8").trim());
    }
  });

  test("overwrites nothing: all of it is written, or none", async () => {
    const before = readFileSync(configOf("new"), "utf8");
    const again = await init("new", "--yes", ...told);
    expect(again.stderr).toContain("exists already and is left as it is");
    expect([again.code, again.stdout]).toEqual([1, ""]);
    expect(readFileSync(configOf("new"), "utf8")).toBe(before);
    folder.write("half", "");
    const half = join(folder.path, "half-there");
    await runCommand(["keygen", "--alg", "ES384", "--out", join(half, "secrets")]);
    writeFileSync(join(half, "secrets/admin-token"), "mine\n");
    const { code } = await init("half-there", "--yes", ...told);
    expect(code).toBe(1);
    expect(readFileSync(join(half, "secrets/admin-token"), "utf8")).toBe("mine\n");
    expect(existsSync(join(half, "qlik-session-proxy.yaml"))).toBe(false);
    expect(readdirSync(half).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test.each([
    ["below keys", "keys", "keys/private-key.pem"],
    ["beside the configuration", ".", "private-key.pem"],
  ])("takes the pair that keygen made: %s", async (name, out, privateKeyFile) => {
    const place = join(folder.path, name);
    const made = await runCommand(["keygen", "--alg", "ES384", "--out", join(place, out), "--json"]);
    const key = readFileSync(join(place, privateKeyFile), "utf8");
    const { code, stdout } = await init(name, "--yes", "--json", ...told);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      issuer: "portal.example.com",
      keyId: (JSON.parse(made.stdout) as { keyId: string }).keyId,
    });
    expect(readFileSync(join(place, privateKeyFile), "utf8")).toBe(key);
    expect(readFileSync(configOf(name), "utf8")).toContain(`privateKeyFile: ${privateKeyFile}\n`);
    expect((await runCommand(["validate", "-c", configOf(name)])).code).toBe(0);
  });

  test("refuses a pair that does not belong together, and writes nothing", async () => {
    for (const name of ["one", "other"])
      await runCommand(["keygen", "--alg", "ES384", "--out", join(folder.path, name, "keys")]);
    writeFileSync(
      join(folder.path, "one/keys/certificate.pem"),
      readFileSync(join(folder.path, "other/keys/certificate.pem")),
    );
    const { code, stderr } = await init("one", "--yes", ...told);
    expect(stderr).toContain("does not belong to");
    expect([code, existsSync(configOf("one"))]).toEqual([1, false]);
  });

  test("asks for what no flag says, and again where the answer cannot be", async () => {
    const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
    const out = join(folder.path, "asked");
    const child = spawn(process.execPath, [main, "init", "--alg", "ES384", "--out", out]);
    let asked = "";
    child.stderr.on("data", (chunk: Buffer) => (asked += chunk.toString()));
    child.stdin.end("ftp://x\nhttps://acme.eu.qlikcloud.com/hub\nportal.example.com\n\n\n\n");
    const [code] = (await once(child, "close")) as [number];
    expect(asked).toContain("That must be an address such as https://acme.eu.qlikcloud.com.");
    expect(asked).toContain("[portal.example.com]: ");
    expect(code).toBe(0);
    const config = readFileSync(join(out, "qlik-session-proxy.yaml"), "utf8");
    expect(config).toContain('origin: "https://acme.eu.qlikcloud.com"');
    expect(config).toContain('issuer: "portal.example.com"');
  });

  test.each([
    ["nothing said", {}, "init needs --tenant"],
    ["an address that is none", { tenant: "ftp://x" }, "--tenant must be an address such as"],
    ["an issuer with a space", { ...local, issuer: "my portal" }, "--issuer must be a name without spaces"],
    ["a source that is none", { ...local, identity: "x" }, "--identity must be trustedHeader"],
  ])("is wrong usage: %s", async (_what, flags, hint) => {
    await expect(collectWishes(flags, true)).rejects.toThrow(hint);
    await expect(collectWishes(flags, true)).rejects.toBeInstanceOf(UsageError);
  });

  test("keeps local addresses for local work", async () => {
    const flags = Object.entries(local).flatMap(([name, value]) => [`--${name}`, value]);
    expect((await init("local", "--yes", ...flags)).code).toBe(0);
    expect((await runCommand(["validate", "-c", configOf("local")])).code).toBe(0);
    const production = await runCommand(["validate", "-c", configOf("local")], { NODE_ENV: "production" });
    expect(production.code).toBe(1);
  });
});
