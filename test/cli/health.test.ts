import { once } from "node:events";
import { createServer, request } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConfigFolder, createConfigFolder, rightConfig } from "../config/config-folder.ts";
import { type Ended, freePort, runCommand, type RunningCommand, startCommand } from "./command.ts";

let folder: ConfigFolder;
let file: string;
let address: string;
let server: RunningCommand;
let url: string;
/** A tenant that never answers: a login there keeps a drain waiting. */
let tenant: Server;

beforeAll(async () => {
  folder = createConfigFolder();
  address = `127.0.0.1:${await freePort()}`;
  tenant = createTcpServer().listen(0, "127.0.0.1");
  await once(tenant, "listening");
  const { port } = tenant.address() as AddressInfo;
  // Without a token: probes need none.
  file = folder.write(
    "config.yaml",
    `
publicOrigin: https://portal.example.com
listen: 127.0.0.1:0
admin: { listen: "${address}" }
tenant:
  origin: http://127.0.0.1:${port}
  signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }]
identity: { trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, email: X-User-Email } }
unsafe: { plainHttpTenant: true }
timeouts: { login: 2m, drainDelay: 2m }
`,
  );
  server = startCommand(["serve", "-c", file]);
  const line = await server.line((text) => text.includes('"server.started"'));
  ({ url } = JSON.parse(line) as { url: string });
});
afterAll(async () => {
  await server.kill();
  tenant.close();
  folder.remove();
});

/** Sends a request that waits for a login; resolves when the tenant has heard of it. */
async function waitForLogin(): Promise<void> {
  const asked = once(tenant, "connection");
  const headers = { Host: "portal.example.com", "X-User-Sub": "ann", "X-User-Email": "ann@example.com" };
  const waiting = request(`${url}/qlik/api/v1/users/me`, { headers, agent: false });
  // It is cut off with the server.
  waiting.on("error", () => undefined).end();
  await asked;
}

const health = (...args: readonly string[]): Promise<Ended> => runCommand(["health", ...args]);

describe("health", () => {
  test.each([
    ["by its configuration", () => runCommand(["health", "-c", file])],
    ["by its address", () => health("--admin", `http://${address}`)],
    ["by the variable", () => runCommand(["health"], { QSP_ADMIN_LISTEN: address })],
  ])("finds a server %s, without a token", async (_how, ask) => {
    expect(await ask()).toEqual({ code: 0, stdout: "ready\n", stderr: "" });
  });

  test("says that a server drains, which is alive all the same", async () => {
    await waitForLogin();
    server.signal("SIGTERM");
    await server.line((line) => line.includes('"server.draining"'));
    expect(await health("-c", file)).toEqual({ code: 1, stdout: "draining\n", stderr: "" });
    expect(await health("-c", file, "--live")).toEqual({ code: 0, stdout: "live\n", stderr: "" });
  });

  test("fails where nothing listens", async () => {
    const { code, stderr } = await health("--admin", `http://127.0.0.1:${await freePort()}`);
    expect([code, stderr]).toEqual([1, expect.stringContaining("nothing listens at http://127.0.0.1:")]);
  });

  test("fails where something else answers", async () => {
    const other = createServer((_request, response) => response.end("hello")).listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await health("--admin", `http://127.0.0.1:${port}`);
    other.close();
    expect([code, stderr]).toEqual([1, expect.stringContaining("no answer of a private listener")]);
  });

  test("fails where the configuration has no private listener", async () => {
    const { code, stderr } = await health("-c", folder.write("without.yaml", rightConfig));
    expect([code, stderr]).toEqual([1, expect.stringContaining("admin.listen: is missing")]);
  });

  test("takes nothing else", async () => {
    expect((await health("--token-file", "token")).code).toBe(2);
  });
});
