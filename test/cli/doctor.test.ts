import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";
import { freePort, runCommand, type RunningCommand, startCommand } from "./command.ts";

let folder: ConfigFolder;
let file: string;
let tenant: RunningCommand;
let controlUrl: string;

beforeAll(async () => {
  folder = createConfigFolder();
  file = folder.write(
    "config.yaml",
    `
publicOrigin: http://portal.localhost:1
listen: 127.0.0.1:0
tenant:
  origin: http://acme.localhost:${await freePort()}
  signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }]
identity:
  trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, email: X-User-Email }
unsafe: { plainHttpTenant: true, plainHttpPublic: true }
`,
  );
  tenant = startCommand(["emulate", "-c", file]);
  await tenant.line((line) => line === "ready");
  controlUrl = tenant.lines[1] ?? "";
});

afterAll(async () => {
  await tenant.kill();
  folder.remove();
});

const control = async (path: string): Promise<string> => (await fetch(`${controlUrl}${path}`)).text();

/** Everything of the tenant's sessions and of ours that nobody may read. */
async function secretsOfThisVisit(): Promise<readonly string[]> {
  const recordings = JSON.parse(await control("/recordings")) as { readonly headers: readonly string[] }[];
  const headers = recordings.flatMap((each) => Object.values(each.headers).flat().map(String));
  const tokens = headers.filter((value) => value.startsWith("Bearer ")).map((value) => value.slice(7, 80));
  const cookies = headers.flatMap((value) => [...value.matchAll(/eas\.sid(?:\.sig)?=([^;]+)/g)]);
  const keyLine = readFileSync(`${folder.path}/key.pem`, "utf8").split("\n")[1] ?? "";
  return [...tokens, ...cookies.map(([, value]) => value ?? ""), keyLine];
}

describe("doctor", () => {
  test("goes through the whole chain, leaves no session, and shows no secret", async () => {
    const { code, stdout, stderr } = await runCommand(["doctor", "-c", file, "--subject", "ann@acme.test"]);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^ok {6}login {11}signed in ann@acme\.test in \d+ ms$/m);
    expect(stdout).toMatch(/^ok {6}engine .*OnConnected, SESSION_CREATED$/m);
    expect(stdout).toContain("0 failed, 0 not tried");
    expect(code).toBe(0);
    expect(await control("/sessions")).toBe("[]");
    const secrets = await secretsOfThisVisit();
    expect(secrets.length).toBeGreaterThan(5);
    expect(secrets.filter((secret) => stdout.includes(secret))).toEqual([]);
  });

  test("names cause and remedy of what fails, says what it did not try, and exits 1", async () => {
    const { code, stdout } = await runCommand([
      "doctor",
      "-c",
      file,
      "--tenant.origin",
      "http://acme.invalid",
    ]);
    expect(stdout).toMatch(/^FAILED {2}dns {13}acme\.invalid: E\w+$/m);
    expect(stdout).toMatch(/^ {24}cause {3}The tenant's host name cannot be resolved\. \[unknown-host\]$/m);
    expect(stdout).toMatch(/^ {24}remedy {2}Compare tenant\.origin /m);
    expect(stdout).toMatch(/^- {7}login {11}not tried: needs the step claims|tenant$/m);
    expect(code).toBe(1);
  });

  test("prints one document for machines", async () => {
    const args = ["doctor", "-c", file, "--json", "--tenant.signing-keys.0.issuer", "acme-portl"];
    const { code, stdout } = await runCommand(args);
    const { ok, steps } = JSON.parse(stdout) as { ok: boolean; steps: Record<string, unknown>[] };
    expect([code, ok]).toEqual([1, false]);
    expect(steps.find(({ step }) => step === "login")).toEqual({
      step: "login",
      outcome: "failed",
      found: expect.stringContaining("issuer acme-portl, key id 2026-01") as string,
      cause: "unknown-issuer",
      because: expect.stringContaining("no identity provider with this issuer") as string,
      remedy: expect.stringContaining("letter by letter") as string,
      ms: expect.any(Number) as number,
    });
    expect(steps.find(({ step }) => step === "csrf")).toMatchObject({ outcome: "notTried" });
  });

  test("says all that is wrong with a configuration", async () => {
    const wrong = folder.write("wrong.yaml", "tenant: { orign: https://acme.eu.qlikcloud.com }\n");
    const { code, stdout } = await runCommand(["doctor", "-c", wrong]);
    expect(stdout).toContain("FAILED  configuration");
    expect(stdout).toContain("publicOrigin: is missing");
    expect(stdout).toMatch(/tenant\.orign: .*origin/);
    expect(code).toBe(1);
  });

  test("leaves no session behind when it is interrupted", async () => {
    const headers = { "content-type": "application/json" };
    const fault = { path: "/api/v1/users/me", times: 1, kind: "delay", ms: 1500 };
    await fetch(`${controlUrl}/faults`, { method: "POST", headers, body: JSON.stringify(fault) });
    const command = startCommand(["doctor", "-c", file]);
    await command.line((line) => line.startsWith("ok      login"));
    expect(JSON.parse(await control("/sessions"))).toHaveLength(1);
    command.signal("SIGINT");
    expect(await command.ended).toBe(1);
    expect(command.lines).toContainEqual(expect.stringMatching(/^- {7}engine {10}not tried: interrupted$/));
    expect(command.lines).toContainEqual(expect.stringMatching(/^ok {6}sign-out .*the session is gone$/));
    expect(await control("/sessions")).toBe("[]");
  });

  test("learns how a tenant behaves, and emulate behaves so", { timeout: 60_000 }, async () => {
    const patch = { socketWithoutSession: "closeAfter101", bootEndpoint: false, signatureLength: 27 };
    const headers = { "content-type": "application/json" };
    await fetch(`${controlUrl}/modes`, { method: "PATCH", headers, body: JSON.stringify(patch) });
    const profile = join(folder.path, "tenant-profile.yaml");
    const learn = ["doctor", "-c", file, "--learn", "--profile", profile, "--watch", "200ms"];
    const { code, stdout } = await runCommand(learn);
    expect(stdout).toMatch(/^ok {6}learn .*was written; tenant\.profileFile names it$/m);
    expect([code, await control("/sessions")]).toEqual([0, "[]"]);
    expect((await runCommand(learn)).stderr).toContain("exists already; name another one");
    const replayed = startCommand(["emulate", "-c", file, "--port", String(await freePort())], {
      QSP_TENANT_PROFILE_FILE: profile,
    });
    try {
      await replayed.line((line) => line === "ready");
      const answer = (await (await fetch(replayed.lines[1] ?? "")).json()) as { readonly modes: unknown };
      expect(answer.modes).toMatchObject({ ...patch, requireSocketCsrf: true, requireJti: true });
    } finally {
      await replayed.kill();
    }
  });
});
