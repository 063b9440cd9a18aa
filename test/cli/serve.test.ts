import { connect } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type ConfigFolder, createConfigFolder, privateKeyPem } from "../config/config-folder.ts";
import { type RawAnswer, send } from "../support/raw-client.ts";
import { freePort, runCommand, type RunningCommand, startCommand } from "./command.ts";

const token = "0123456789abcdef0123456789abcdef";

/** What the browser calls the front door; nothing listens there. */
const publicHost = "portal.localhost:8443";

let folder: ConfigFolder;
let file: string;
let tenant: RunningCommand;
let controlUrl: string;
const started: RunningCommand[] = [];

beforeAll(async () => {
  folder = createConfigFolder();
  folder.write("token", `${token}\n`);
  file = folder.write(
    "config.yaml",
    `
publicOrigin: https://${publicHost}
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0, tokenFile: token }
tenant:
  origin: http://127.0.0.1:${await freePort()}
  signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }]
identity:
  trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, name: X-User-Name, email: X-User-Email }
unsafe: { plainHttpTenant: true }
timeouts: { drainDelay: 30s, drain: 30s }
`,
  );
  tenant = startCommand(["emulate", "-c", file]);
  await tenant.line((line) => line === "ready");
  controlUrl = tenant.lines[1] ?? "";
});

afterAll(async () => {
  for (const command of [...started, tenant]) await command.kill();
  folder.remove();
});

/** A server that has said where it listens. */
interface Serving {
  readonly command: RunningCommand;
  readonly url: string;
  readonly adminUrl: string;
}

async function serve(): Promise<Serving> {
  const command = startCommand(["serve", "-c", file]);
  started.push(command);
  const line = await command.line((text) => text.includes('"server.started"'));
  return { command, ...(JSON.parse(line) as { readonly url: string; readonly adminUrl: string }) };
}

/** What the front door sends for a signed-in user. */
const ann = { "x-user-sub": "acme|ann", "x-user-name": "Ann", "x-user-email": "ann@example.com" };

const get = (
  server: Serving,
  path: string,
  headers: Readonly<Record<string, string>> = ann,
): Promise<RawAnswer> =>
  send({
    origin: server.url,
    path,
    headers: { host: publicHost, "sec-fetch-site": "same-origin", ...headers },
  });

/** Asks the tenant's control endpoint. */
async function control(method: string, path: string, body: object = {}): Promise<unknown> {
  const answer = await fetch(`${controlUrl}${path}`, {
    method,
    ...(method === "GET"
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  expect(answer.ok).toBe(true);
  const text = await answer.text();
  return text === "" ? undefined : JSON.parse(text);
}

/** Waits until the tenant has a request before it. */
const arrived = (path: string): Promise<void> =>
  vi.waitFor(async () => expect(await control("GET", `/recordings?path=${path}`)).toHaveLength(1), {
    timeout: 10_000,
  });

describe("serve", () => {
  test("signs in whom the front door names, and keeps their name from the tenant's requests", async () => {
    const server = await serve();
    await control("POST", "/recordings/take");
    const answer = await get(server, "/qlik/api/v1/users/me");
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ subject: "acme|ann", name: "Ann", email: "ann@example.com" });
    expect(answer.rawHeaders.map((name) => name.toLowerCase())).not.toContain("set-cookie");
    const recordings = (await control("POST", "/recordings/take")) as { url: string; headers: unknown }[];
    expect(recordings.map(({ url }) => url)).toEqual(
      expect.arrayContaining(["/login/jwt-session", "/api/v1/users/me"]),
    );
    expect(JSON.stringify(recordings.map(({ headers }) => headers)).toLowerCase()).not.toContain("x-user-");
  });

  test("answers 401 to everybody else", async () => {
    const server = await serve();
    const answer = await get(server, "/qlik/api/v1/users/me", {});
    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({ errors: [{ code: "QSP-UNAUTHENTICATED" }] });
  });

  test("writes a line of JSON per exchange, and no secret", async () => {
    const server = await serve();
    const answer = await get(server, "/qlik/api/v1/users/me");
    expect(answer.status).toBe(200);
    await server.command.line((line) => line.includes('"route":"rest"'));
    const lines = server.command.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.find(({ route }) => route === "rest")).toMatchObject({
      level: "info",
      event: expect.stringMatching(/^[a-z]+\.[a-z][A-Za-z]+$/) as string,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      method: "GET",
      status: 200,
    });
    const text = server.command.lines.join("\n");
    for (const secret of [
      token,
      "acme|ann",
      "ann@example.com",
      "eas.sid",
      privateKeyPem.split("\n")[1] ?? token,
    ])
      expect(text).not.toContain(secret);
  });

  test("answers bytes that are no request, and lives", async () => {
    const server = await serve();
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.write("\u0000\u0001 nonsense\r\n\r\n");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(socket, "close");
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 400 [^]*"code":"QSP-TARGET"/);
    expect((await get(server, "/qlik/api/v1/users/me")).status).toBe(200);
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "drains on %s: red at once, answers what it has, exits 0",
    async (signal) => {
      const server = await serve();
      expect((await get(server, "/qlik/api/v1/users/me")).status).toBe(200);
      const ready = (): Promise<number> =>
        fetch(`${server.adminUrl}/health/ready`).then(({ status }) => status);
      expect(await ready()).toBe(200);
      await control("POST", "/recordings/take");
      await control("POST", "/faults", { path: "/api/v1/tenants/me", times: 1, kind: "delay", ms: 1000 });
      const slow = get(server, "/qlik/api/v1/tenants/me");
      await arrived("/api/v1/tenants/me");
      server.command.signal(signal);
      await server.command.line((line) => line.includes('"server.draining"'));
      expect(await ready()).toBe(503);
      expect((await slow).status).toBe(200);
      expect(await server.command.ended).toBe(0);
    },
  );

  test("stops at once on the second signal, with 1", async () => {
    const server = await serve();
    await control("POST", "/recordings/take");
    await control("POST", "/faults", { path: "/api/v1/tenants/me", times: 1, kind: "silence" });
    const cut = get(server, "/qlik/api/v1/tenants/me").then(
      () => "answered",
      () => "cut off",
    );
    await arrived("/api/v1/tenants/me");
    server.command.signal("SIGTERM");
    await server.command.line((line) => line.includes('"server.draining"'));
    server.command.signal("SIGTERM");
    expect(await server.command.ended).toBe(1);
    expect(await cut).toBe("cut off");
    await control("DELETE", "/faults");
  });

  test("starts nothing with a wrong configuration", async () => {
    const { code, stdout, stderr } = await runCommand([
      "serve",
      "-c",
      file,
      "--prefix",
      "qlik",
      "--listen",
      "x",
    ]);
    expect(stderr).toContain("  listen: ");
    expect(stderr).toContain("  prefix: ");
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });

  test("says when the port is taken", async () => {
    const server = await serve();
    const address = new URL(server.url).host;
    const { code, stderr } = await runCommand(["serve", "-c", file, "--listen", address]);
    expect(stderr).toBe(
      `qlik-session-proxy: ${address} is already in use: stop the other program, or listen elsewhere\n`,
    );
    expect(code).toBe(1);
  });
});

describe("the private listener", () => {
  test("lets probes in, and others with the token only", async () => {
    const { adminUrl } = await serve();
    const status = async (path: string, authorization?: string): Promise<number> => {
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await fetch(`${adminUrl}${path}`, { headers });
      expect(answer.headers.get("cache-control")).toBe("no-store");
      return answer.status;
    };
    expect(await status("/health/live")).toBe(200);
    expect(await status("/health/ready")).toBe(200);
    expect(await status("/sessions")).toBe(401);
    expect(await status("/sessions", "Bearer wrong")).toBe(401);
    expect(await status("/sessions", `Bearer ${token}x`)).toBe(401);
    expect(await status("/sessions", `Bearer ${token}`)).toBe(200);
    expect(await status("/elsewhere", `Bearer ${token}`)).toBe(404);
  });

  test("is not to be found on the public one", async () => {
    const server = await serve();
    for (const path of ["/health/live", "/health/ready", "/qlik/health/live", "/metrics"])
      expect((await get(server, path, { ...ann, authorization: `Bearer ${token}` })).status).toBe(404);
  });
});
