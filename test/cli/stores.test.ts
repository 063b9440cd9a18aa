import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";
import { send } from "../support/raw-client.ts";
import { freePort, type RunningCommand, runCommand, startCommand } from "./command.ts";

const publicHost = "portal.example.com";
const started: RunningCommand[] = [];

let folder: ConfigFolder;
let file: string;
let controlUrl: string;

beforeAll(async () => {
  folder = createConfigFolder();
  folder.write("secret", randomBytes(32).toString("base64"));
  file = folder.write(
    "config.yaml",
    `
publicOrigin: https://${publicHost}
listen: 127.0.0.1:0
tenant:
  origin: http://127.0.0.1:${await freePort()}
  signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }]
identity:
  trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, email: X-User-Email }
session: { secretFile: secret, store: file:state }
unsafe: { plainHttpTenant: true }
timeouts: { drainDelay: 0s }
`,
  );
  const tenant = startCommand(["emulate", "-c", file]);
  started.push(tenant);
  await tenant.line((line) => line === "ready");
  controlUrl = tenant.lines[1] ?? "";
});

afterAll(async () => {
  for (const command of started) await command.kill();
  folder.remove();
});

interface Serving {
  readonly command: RunningCommand;
  readonly url: string;
}

async function serve(variables: Readonly<Record<string, string>> = {}): Promise<Serving> {
  const command = startCommand(["serve", "-c", file], variables);
  started.push(command);
  const line = await command.line((text) => text.includes('"server.started"'));
  return { command, ...(JSON.parse(line) as { readonly url: string }) };
}

async function stop({ command }: Serving): Promise<void> {
  command.signal("SIGTERM");
  expect(await command.ended).toBe(0);
}

const get = async ({ url }: Serving): Promise<number> => {
  const headers = {
    host: publicHost,
    "sec-fetch-site": "same-origin",
    "x-user-sub": "acme|ann",
    "x-user-email": "ann@example.com",
  };
  return (await send({ origin: url, path: "/qlik/api/v1/users/me", headers })).status;
};

/** How often somebody has logged in at the tenant. */
async function logins(): Promise<number> {
  const answer = await fetch(`${controlUrl}/recordings?path=/login/jwt-session`);
  return ((await answer.json()) as readonly unknown[]).length;
}

/** The events of a kind in the log. */
const logged = ({ command }: Serving, event: string): readonly { level: string; reason: string }[] =>
  command.lines
    .map((line) => JSON.parse(line) as { event: string; level: string; reason: string })
    .filter((line) => line.event === event);

describe("serve with a store in a folder", () => {
  test("goes on after a restart without a login", async () => {
    const before = await serve();
    expect(await get(before)).toBe(200);
    expect(await logins()).toBe(1);
    await stop(before);
    const after = await serve();
    expect(await get(after)).toBe(200);
    expect(await logins()).toBe(1);
    await stop(after);
  });

  test("ends with status 1 when another process has the folder, and says which", async () => {
    const owner = await serve();
    const { code, stdout, stderr } = await runCommand(["serve", "-c", file]);
    expect(stderr).toMatch(/ {2}store: file:.*\/state is in use: process \d+ has it/);
    expect([code, stdout]).toEqual([1, ""]);
    expect(await get(owner)).toBe(200);
    await stop(owner);
  });

  test("starts over a damaged snapshot, and says so in the log", async () => {
    folder.write("state/snapshot", "of another program");
    const server = await serve();
    expect(logged(server, "store.damaged")).toEqual([
      expect.objectContaining({ level: "warn", reason: expect.stringContaining("it is now") as string }),
    ]);
    expect(await get(server)).toBe(200);
    await stop(server);
  });
});

describe("warnings about the configuration", () => {
  test("are in the log of serve", async () => {
    const server = await serve({ QSP_REPLICAS: "3" });
    expect(logged(server, "config.warned")).toEqual([
      expect.objectContaining({
        level: "warn",
        reason: expect.stringContaining("session.store: replicas is 3, but a file store") as string,
      }),
    ]);
    await stop(server);
  });

  test("are printed by validate, which does not fail for them", async () => {
    const { code, stderr } = await runCommand(["validate", "-c", file, "--replicas", "3"]);
    expect(stderr).toContain("warning: session.store: replicas is 3");
    expect(code).toBe(0);
  });
});
