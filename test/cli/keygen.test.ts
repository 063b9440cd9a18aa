import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";
import { runCommand } from "./command.ts";

let folder: ConfigFolder;
beforeAll(() => {
  folder = createConfigFolder();
});
afterAll(() => folder.remove());

describe("keygen", () => {
  test.each([
    ["RS256", "rsa"],
    ["RS512", "rsa"],
    ["ES384", "ec"],
  ])("makes a pair for %s that belongs together", async (alg, kind) => {
    const out = join(folder.path, "new", alg);
    const { code, stdout } = await runCommand(["keygen", "--out", out, "--alg", alg, "--json"]);
    expect(code).toBe(0);
    const made = JSON.parse(stdout) as Record<string, string>;
    expect(made).toEqual({
      keyId: expect.stringMatching(/^\d{4}-\d{2}-[0-9a-f]{8}$/) as string,
      alg,
      privateKeyFile: join(out, "private-key.pem"),
      certificateFile: join(out, "certificate.pem"),
    });
    const key = createPrivateKey(readFileSync(made["privateKeyFile"] ?? ""));
    const certificate = new X509Certificate(readFileSync(made["certificateFile"] ?? ""));
    expect(key.asymmetricKeyType).toBe(kind);
    expect(certificate.checkPrivateKey(key)).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(statSync(made["privateKeyFile"] ?? "").mode & 0o777).toBe(0o600);
  });

  test("tells what goes where, and that is a configuration that is right", async () => {
    const out = join(folder.path, "told");
    const { stdout } = await runCommand(["keygen", "--out", out, "--alg", "ES384"]);
    expect(stdout).toContain("-----BEGIN CERTIFICATE-----");
    expect(stdout).not.toContain("PRIVATE KEY-----");
    const start = stdout.indexOf("     tenant:");
    const tenant = stdout.slice(start, stdout.indexOf("-----BEGIN")).replaceAll(/^ {5}/gm, "");
    const file = folder.write(
      "told.yaml",
      `publicOrigin: https://portal.example.com
identity: { trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, email: X-User-Email } }
${tenant.replace("tenant:\n", "tenant:\n  origin: https://acme.eu.qlikcloud.com\n")}`,
    );
    const { code, stderr } = await runCommand(["validate", "-c", file]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });

  test("overwrites nothing", async () => {
    const existing = folder.write("certificate.pem", "mine");
    const { code, stderr } = await runCommand(["keygen", "--out", folder.path, "--alg", "ES384"]);
    expect(stderr).toContain(`${existing} exists already`);
    expect(readFileSync(existing, "utf8")).toBe("mine");
    expect(code).toBe(1);
  });

  test("says when it cannot write", async () => {
    const file = folder.write("file", "");
    const { code, stderr } = await runCommand(["keygen", "--out", join(file, "below"), "--alg", "ES384"]);
    expect(stderr).toContain("cannot write to");
    expect(code).toBe(1);
  });
});
