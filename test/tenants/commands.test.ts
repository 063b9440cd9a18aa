/* The command with several tenants: workers, explain, doctor, the list of sessions. product B1 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TenantEmulator } from "../../src/emulator.ts";
import { type RunningCommand, runCommand, startCommand } from "../cli/command.ts";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";
import { type RawAnswer, send } from "../support/raw-client.ts";
import { privateKeyOf, startTenant, type TenantName } from "../support/two-tenants.ts";

const token = "0123456789abcdef0123456789abcdef";
const names: readonly TenantName[] = ["acme", "globex"];

let folder: ConfigFolder;
let tenants: Record<TenantName, TenantEmulator>;
let server: RunningCommand;
let url = "";
let adminUrl = "";

const write = (entries: readonly TenantName[], more = ""): string => {
  const entry = (name: TenantName): string =>
    `  - { name: ${name}, match: { claim: ${name} }, origin: "${tenants[name].origin}", ` +
    `signingKeys: [{ issuer: portal.example.test, keyId: key-of-${name}, privateKeyFile: ${name}.pem }] }\n`;
  return folder.write(
    "config.yaml",
    `
listen: 127.0.0.1:0
publicOrigin: https://portal.example.com
admin: { listen: "127.0.0.1:0", tokenFile: token }
identity:
  trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, email: X-User-Email, tenant: X-User-Org }
timeouts: { drainDelay: 0s, drain: 1s }
unsafe: { plainHttpTenant: true }
${more}
tenants:
${entries.map(entry).join("")}`,
  );
};

beforeAll(async () => {
  folder = createConfigFolder();
  folder.write("token", token);
  for (const name of names) folder.write(`${name}.pem`, privateKeyOf(name));
  tenants = { acme: await startTenant("acme"), globex: await startTenant("globex") };
  server = startCommand(["serve", "-c", write(names, "workers: 2")]);
  const started = await server.line((line) => line.includes('"server.started"'));
  ({ url, adminUrl } = JSON.parse(started) as { readonly url: string; readonly adminUrl: string });
});
afterAll(async () => {
  await server.kill();
  await Promise.all(names.map((name) => tenants[name].close()));
  folder.remove();
});

const get = (org: string): Promise<RawAnswer> =>
  send({
    origin: url,
    path: "/qlik/api/v1/items",
    headers: {
      host: "portal.example.com",
      origin: "https://portal.example.com",
      "sec-fetch-site": "same-origin",
      "x-user-sub": "ann",
      "x-user-email": "ann@example.com",
      "x-user-org": org,
    },
  });

test("workers share the sessions of each tenant, count them by tenant, and take tenants away together", async () => {
  for (let times = 0; times < 8; times += 1)
    for (const name of names) expect([name, (await get(name)).status]).toEqual([name, 200]);
  for (const name of names)
    expect(tenants[name].recordings({ path: "/login/jwt-session" }).map(({ status }) => status)).toEqual([
      200,
    ]);
  const listed = await runCommand(["sessions", "list", "--admin", adminUrl], { QSP_ADMIN_TOKEN: token });
  const rows = listed.stdout.trim().split("\n");
  expect(rows[0]).toMatch(/SOCKETS +TENANT +SUBJECT/);
  const shown = rows.slice(1).map((row) => / (acme|globex) +ann /.exec(row)?.[1]);
  expect([shown.length, new Set(shown)]).toEqual([2, new Set(names)]);
  const metrics = await send({
    origin: adminUrl,
    path: "/metrics",
    headers: { authorization: `Bearer ${token}` },
  });
  for (const name of names)
    expect(metrics.text).toContain(
      `qsp_exchanges_total{route="rest",method="GET",status="200",tenant="${name}"} 8\n`,
    );

  write(["acme"], "workers: 2");
  server.signal("SIGHUP");
  const line = await server.line((text) => text.includes("server.reload"));
  expect(line).toContain('"server.reloaded"');
  for (let times = 0; times < 4; times += 1) {
    expect((await get("globex")).status).toBe(403);
    expect((await get("acme")).status).toBe(200);
  }
  await expect.poll(() => tenants.globex.sessions.list().length).toBe(0);
  expect(tenants.acme.sessions.list()).toHaveLength(1);
  // A line may come after the answer that it tells of: it waits for others, and comes from another process.
  const ofNobody = (): string[] => server.lines.filter((text) => text.includes("QSP-USER-REFUSED"));
  await expect.poll(() => ofNobody().length).toBe(4);
  expect(ofNobody().join("\n")).not.toContain("acme.localhost");
});

test("explain names the tenant that a request finds, and doctor visits each", async () => {
  const file = write(names);
  const byClaim = await runCommand([
    "explain",
    "-c",
    file,
    "GET",
    "/qlik/api/v1/items",
    "--tenant",
    "globex",
  ]);
  expect(byClaim.stdout.split("\n")[0]).toBe("Tenant globex: as --tenant says");
  expect(byClaim.stdout).toContain(`forwarded to ${tenants.globex.origin}`);
  const byPath = folder.write(
    "paths.yaml",
    `
publicOrigin: https://portal.example.com
identity: { trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, email: X-User-Email } }
tenants:
  - { name: acme, match: { prefix: /a }, origin: "https://acme.example.com", signingKeys: [{ issuer: i, keyId: k, privateKeyFile: acme.pem }] }
  - { name: globex, match: { prefix: /g }, origin: "https://globex.example.com", signingKeys: [{ issuer: i, keyId: k, privateKeyFile: globex.pem }] }
`,
  );
  const explained = async (path: string): Promise<unknown> => {
    const { stdout } = await runCommand(["explain", "-c", byPath, "--json", "GET", path]);
    const { tenant, outcome } = JSON.parse(stdout) as { readonly tenant: unknown; readonly outcome: string };
    return [tenant, outcome];
  };
  expect(await Promise.all(["/g/api/v1/items", "/x/api/v1/items"].map(explained))).toEqual([
    ["globex", "forwarded"],
    [null, "refused"],
  ]);
  const { stdout } = await runCommand(["doctor", "-c", file, "--json", "--subject", "doc@example.com"]);
  const { tenants: visited } = JSON.parse(stdout) as {
    readonly tenants: readonly {
      readonly tenant: string;
      readonly steps: readonly { readonly step: string; readonly outcome: string }[];
    }[];
  };
  expect(visited.map(({ tenant }) => tenant)).toEqual(names);
  for (const { steps } of visited)
    expect(steps.find(({ step }) => step === "rest")).toMatchObject({ outcome: "passed" });
});
