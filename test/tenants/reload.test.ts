/* Tenants come, go and change by a reload; who is at another one notices nothing of it. rules R15 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TenantEmulator } from "../../src/emulator.ts";
import { OptionsError } from "../../src/errors.ts";
import { createStandaloneServer, loadServerConfig, type StandaloneServer } from "../../src/server.ts";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";
import { send, type RawAnswer } from "../support/raw-client.ts";
import { testSocket, type TestSocket } from "../support/stack.ts";
import { privateKeyOf, startTenant, type TenantName } from "../support/two-tenants.ts";

const engine = "/app/8a6f7c52-3f5e-4c0a-9d8b-5a1c2e7f4b10";
const token = "0123456789abcdef0123456789abcdef";

let folder: ConfigFolder;
let tenants: Record<TenantName, TenantEmulator>;
let server: StandaloneServer;

const entry = (name: TenantName, more = ""): string =>
  `  - { name: ${name}, match: { prefix: /qlik/${name} }, origin: "${tenants[name].origin}", ${more}` +
  `signingKeys: [{ issuer: portal.example.test, keyId: key-of-${name}, privateKeyFile: ${name}.pem }] }\n`;

const configOf = (...entries: readonly string[]): ReturnType<typeof loadServerConfig>["config"] => {
  const text = `
listen: 127.0.0.1:0
publicOrigin: https://portal.example.com
admin: { listen: "127.0.0.1:0", tokenFile: token }
identity:
  trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, email: X-User-Email }
session: { store: "file:sessions", secret: "${"s".repeat(32)}" }
timeouts: { drainDelay: 0s, drain: 1s }
unsafe: { plainHttpTenant: true }
tenants:
${entries.join("")}`;
  return loadServerConfig({ file: folder.write("config.yaml", text), environment: {} }).config;
};

beforeAll(async () => {
  folder = createConfigFolder();
  folder.write("token", token);
  for (const name of ["acme", "globex"] as const) folder.write(`${name}.pem`, privateKeyOf(name));
  tenants = { acme: await startTenant("acme"), globex: await startTenant("globex") };
  server = await createStandaloneServer(configOf(entry("acme"), entry("globex")));
});
afterAll(async () => {
  await server.close();
  await Promise.all(Object.values(tenants).map((tenant) => tenant.close()));
  folder.remove();
});

const page = { host: "portal.example.com", origin: "https://portal.example.com" };
const ann = { "x-user-sub": "ann", "x-user-email": "ann@example.com" };

const get = (name: TenantName, path = "/api/v1/items"): Promise<RawAnswer> =>
  send({
    origin: server.url,
    path: `/qlik/${name}${path}`,
    headers: { ...page, ...ann, "sec-fetch-site": "same-origin" },
  });
const socketAt = (name: TenantName): TestSocket =>
  testSocket(`${server.url.replace("http", "ws")}/qlik/${name}${engine}`, { ...page, ...ann });
const askAdmin = (path: string, method = "GET"): Promise<RawAnswer> =>
  send({ origin: server.adminUrl ?? "", path, method, headers: { authorization: `Bearer ${token}` } });

const problemsOf = (config: ReturnType<typeof configOf>): readonly string[] => {
  try {
    server.prepareReload(config);
    return [];
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
};

test("the private listener says of each session and each number whose it is", async () => {
  for (const name of ["acme", "globex"] as const) expect((await get(name)).status).toBe(200);
  const listed = (await askAdmin("/sessions?subject=ann")).json() as readonly { readonly tenant: string }[];
  expect(listed.map(({ tenant }) => tenant).toSorted()).toEqual(["acme", "globex"]);
  expect((await askAdmin("/health/ready")).json()).toEqual({ status: "ready" });
  const { text } = await askAdmin("/metrics");
  for (const name of ["acme", "globex"]) {
    expect(text).toContain(`qsp_sessions{tenant="${name}"} 1\n`);
    expect(text).toContain(`qsp_logins_total{outcome="ok",tenant="${name}"} 1\n`);
    expect(text).toContain(
      `qsp_exchanges_total{route="rest",method="GET",status="200",tenant="${name}"} 1\n`,
    );
    expect(text).toContain(`qsp_upstream_seconds_count{route="rest",tenant="${name}"} 1\n`);
  }
  expect(text).not.toMatch(/^qsp_(?:sessions|logins_total)(?:\{outcome="ok"\})? /m);
  const state = (await askAdmin("/console/state")).json();
  expect(state).toMatchObject({ tenant: "acme, globex", readiness: "ready", stats: { sessions: 2 } });
});

test("what only a restart can change is refused at the entry, and nothing changes", () => {
  const other = entry("globex").replace("/qlik/globex", "/qlik/other");
  expect(problemsOf(configOf(entry("acme", "sessionIdle: 1h, "), other))).toEqual([
    "tenants[0].sessionIdle: cannot be changed by a reload: restart the server, or write what it was before",
    "tenants[1].match.prefix: cannot be changed by a reload: restart the server, or write what it was before",
  ]);
  const renamed = entry("globex").replace("name: globex", "name: renamed");
  expect(problemsOf(configOf(entry("acme"), renamed))).toEqual([
    'tenants[1].origin: is the tenant of "globex": leave its name, or restart the server',
  ]);
});

test("a policy of one changes for that one, and closes what it does not let in there", async () => {
  const [acme, globex] = [socketAt("acme"), socketAt("globex")];
  await Promise.all([acme.message(), globex.message()]);
  const strict = entry("acme", 'policy: { deny: ["UPGRADE /app/**"] }, ');
  expect(server.prepareReload(configOf(strict, entry("globex")))()).toEqual({ socketsClosed: 1 });
  expect((await acme.closed).code).toBe(4003);
  expect((await socketAt("acme").refused).status).toBe(404);
  expect(globex.ws.readyState).toBe(globex.ws.OPEN);
  server.prepareReload(configOf(entry("acme"), entry("globex")))();
  globex.ws.close();
  await globex.closed;
});

test("one that goes takes its sockets and sessions with it; the other keeps both, and it may come back", async () => {
  const [acme, globex] = [socketAt("acme"), socketAt("globex")];
  await Promise.all([acme.message(), globex.message()]);
  tenants.globex.take();
  expect(server.prepareReload(configOf(entry("acme")))()).toEqual({ socketsClosed: 1 });
  expect((await get("globex")).status).toBe(404);
  const { code, reason } = await globex.closed;
  expect([code, reason]).toEqual([4003, '{"code":"QSP-CLOSED"}']);
  expect(acme.ws.readyState).toBe(acme.ws.OPEN);
  await expect.poll(() => tenants.globex.sessions.list().length).toBe(0);
  expect((await get("acme")).status).toBe(200);
  const listed = (await askAdmin("/sessions")).json() as readonly { readonly tenant: string }[];
  expect(listed.map(({ tenant }) => tenant)).toEqual(["acme"]);
  expect((await askAdmin("/metrics")).text).not.toContain('qsp_sessions{tenant="globex"}');

  const both = configOf(entry("acme"), entry("globex"));
  await expect.poll(() => problemsOf(both)).toEqual([]);
  server.prepareReload(both)();
  // Whoever was ended may come back with a word that is newer by two seconds.
  await expect.poll(async () => (await get("globex")).status, { timeout: 10_000 }).toBe(200);
  expect(acme.ws.readyState).toBe(acme.ws.OPEN);
  acme.ws.close();
  await acme.closed;
});

test("an operator ends the sessions of a subject at every tenant, and one session by its key", async () => {
  const before = (await askAdmin("/sessions")).json() as readonly {
    readonly key: string;
    readonly tenant: string;
  }[];
  const key = before.find(({ tenant }) => tenant === "acme")?.key ?? "";
  expect((await askAdmin(`/sessions?key=${key}`, "DELETE")).status).toBe(200);
  const between = (await askAdmin("/sessions")).json() as readonly { readonly tenant: string }[];
  expect(between.map(({ tenant }) => tenant)).toEqual(["globex"]);
  expect((await askAdmin("/sessions?subject=ann", "DELETE")).json()).toEqual({ revoked: 1 });
  expect((await askAdmin("/sessions")).json()).toEqual([]);
});
