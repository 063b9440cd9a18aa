import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand, startCommand, type RunningCommand } from "../cli/command.ts";
import { createConfigFolder, type ConfigFolder } from "../config/config-folder.ts";
import { send } from "../support/raw-client.ts";
import { startRawUpstream, type RawUpstream } from "../support/raw-upstream.ts";
import { testSocket } from "../support/stack.ts";
import { answerBoth, forwarded } from "./doors.ts";

let folder: ConfigFolder;
let upstream: RawUpstream;
let file: string;

beforeAll(async () => {
  folder = createConfigFolder();
  upstream = await startRawUpstream(answerBoth);
  file = folder.write(
    "config.yaml",
    `
publicOrigin: https://portal.localhost:8443
listen: 127.0.0.1:0
tenant:
  origin: ${upstream.origin}
  signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }]
identity:
  trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, email: X-User-Email }
unsafe: { plainHttpTenant: true }
timeouts: { drainDelay: 0s }
`,
  );
});

afterAll(async () => {
  await upstream.close();
  folder.remove();
});

/** A forward proxy that a variable of the environment names, and that nobody has configured. */
async function startForwardProxy(): Promise<{
  readonly url: string;
  readonly visits: () => number;
  close(): void;
}> {
  let visits = 0;
  const open = new Set<Socket>();
  const server: Server = createServer((_request, response) => response.writeHead(502).end());
  server.on("connection", (socket) => {
    visits += 1;
    open.add(socket);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const close = (): void => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, visits: () => visits, close };
}

/** Asks a running server for data and for a socket. */
async function askBoth(command: RunningCommand): Promise<readonly unknown[]> {
  const line = await command.line((text) => text.includes('"server.started"'));
  const { url } = JSON.parse(line) as { readonly url: string };
  const user = { host: "portal.localhost:8443", "x-user-sub": "ann", "x-user-email": "ann@acme.test" };
  const headers = { ...user, "sec-fetch-site": "same-origin" };
  const answer = await send({ origin: url, path: "/qlik/api/v1/items", headers });
  const socket = testSocket(`${url.replace("http", "ws")}/qlik/app/a`, {
    ...user,
    origin: "https://portal.localhost:8443",
  });
  const opened = await new Promise((resolve) => {
    socket.ws.once("open", () => resolve("open"));
    void socket.refused.then(resolve);
  });
  socket.ws.terminate();
  return [answer.status, opened];
}

// attacks U5
test("a forward proxy that only the environment names is not used, by requests and upgrades", async () => {
  const proxy = await startForwardProxy();
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
  const variables = Object.fromEntries(names.map((name) => [name, proxy.url]));
  const command = startCommand(["serve", "-c", file], {
    ...variables,
    NO_PROXY: "",
    NODE_USE_ENV_PROXY: "1",
  });
  try {
    expect(await askBoth(command)).toEqual([200, "open"]);
    expect(proxy.visits()).toBe(0);
    expect(forwarded(upstream.seen).map(({ path }) => path.split("?")[0])).toEqual([
      "/api/v1/items",
      "/app/a",
    ]);
  } finally {
    await command.kill();
    proxy.close();
  }
});

// attacks U3
test.each(["serve", "validate"])(
  "%s refuses to run where the environment lets any certificate pass",
  async (verb) => {
    const { code, stdout, stderr } = await runCommand([verb, "-c", file], {
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
    });
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/NODE_TLS_REJECT_UNAUTHORIZED.*is 0 in the environment/);
    expect(stdout).not.toContain("server.started");
  },
);
