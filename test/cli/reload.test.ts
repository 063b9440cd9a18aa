/* The configuration is replaced while the server runs: real processes, real signals. rules R15 */
import { once } from "node:events";
import { request } from "node:http";
import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConfigFolder, createConfigFolder, privateKeyPem } from "../config/config-folder.ts";
import { createLatch } from "../support/latch.ts";
import { type NamedTenant, startNamedTenant } from "../support/named-tenant.ts";
import { type RawAnswer, send } from "../support/raw-client.ts";
import { servedHeaders, servedHost, servedToken } from "../support/served-proxy.ts";
import { testSocket, type TestSocket } from "../support/stack.ts";
import { type RunningCommand, startCommand } from "./command.ts";

/** Another origin of the host, from which pages may use the proxy at first. */
const partner = "https://partner.example.com";

const oldSecret = "the-first-secret-of-the-deployment-0001";
const newSecret = "the-other-secret-of-the-deployment-0002";

/** What of the configuration a test changes. */
interface Changes {
  readonly listen?: string;
  readonly store?: string;
  readonly keyIds?: readonly string[];
  readonly deny?: readonly string[];
  readonly origins?: readonly string[];
  /** Whose identity headers count. */
  readonly from?: readonly string[];
  readonly more?: string;
}

const configOf = ({
  listen = "127.0.0.1:0",
  store = "file:store",
  keyIds = ["2026-01"],
  deny = [],
  origins = [partner],
  from = ["127.0.0.1"],
  more = "",
}: Changes): string => `
publicOrigin: https://${servedHost}
listen: ${listen}
allowedOrigins: ${JSON.stringify(origins)}
admin: { listen: "127.0.0.1:0", tokenFile: token }
tenant:
  origin: ${tenant.origin}
  signingKeys: [${keyIds.map((id) => `{ issuer: portal, keyId: "${id}", privateKeyFile: key.pem }`).join(", ")}]
identity:
  trustedHeader: { from: ${JSON.stringify(from)}, subject: X-User-Sub, email: X-User-Email }
session: { secretFile: secret, store: "${store}" }
policy: { deny: ${JSON.stringify(deny)} }
timeouts: { drainDelay: 10s, drain: 10s }
unsafe: { plainHttpTenant: true }
${more}
`;

interface Line {
  readonly event: string;
  readonly level: string;
  readonly reason?: string;
  readonly url?: string;
  readonly adminUrl?: string;
}

let tenant: NamedTenant;
let folder: ConfigFolder;
let server: RunningCommand;
let url = "";
let adminUrl = "";

const linesOf = (event: string): readonly Line[] =>
  server.lines.map((text) => JSON.parse(text) as Line).filter((line) => line.event.startsWith(event));

const write = (changes: Changes = {}): void => void folder.write("config.yaml", configOf(changes));

async function start(): Promise<void> {
  server = startCommand(["serve", "-c", `${folder.path}/config.yaml`]);
  await server.line((text) => text.includes('"server.started"'));
  const [started] = linesOf("server.started");
  url = started?.url ?? "";
  adminUrl = started?.adminUrl ?? "";
}

/** Sends the signal, and returns what the server says of it. */
async function reload(): Promise<Line | undefined> {
  const { length } = linesOf("server.reload");
  server.signal("SIGHUP");
  await server.line(() => linesOf("server.reload").length > length);
  return linesOf("server.reload").at(-1);
}

const ask = (path: string, user = "ann", headers: Record<string, string> = {}): Promise<RawAnswer> =>
  send({ origin: url, path: `/qlik${path}`, headers: { ...servedHeaders(user), ...headers } });

/** The session that the tenant names in its answer. */
const sessionOf = async (user: string): Promise<string> => (await ask("/api/v1/users/me", user)).text;

async function open(path: string, headers: Record<string, string> = {}): Promise<TestSocket> {
  const socket = testSocket(`${url.replace("http", "ws")}/qlik${path}`, {
    ...servedHeaders("ann"),
    ...headers,
  });
  await once(socket.ws, "open");
  return socket;
}

beforeAll(async () => {
  tenant = await startNamedTenant();
  folder = createConfigFolder();
  folder.write("token", servedToken);
  folder.write("secret", oldSecret);
  write();
  await start();
});

afterAll(async () => {
  await server.kill();
  await tenant.close();
  folder.remove();
});

describe("SIGHUP", () => {
  test("says that the identity source is another one, and only then", async () => {
    write({ from: ["127.0.0.1", "127.0.0.2"] });
    expect((await reload())?.reason).toBe("changed: identity; 0 WebSockets closed");
    expect((await reload())?.reason).toBe("changed: nothing; 0 WebSockets closed");
    write();
    expect((await reload())?.reason).toBe("changed: identity; 0 WebSockets closed");
  });

  test("the next login is signed with the new first key; sessions and sockets go on", async () => {
    const socket = await open("/app/a");
    const before = await sessionOf("ann");
    write({ keyIds: ["2026-02", "2026-01"] });
    expect(await reload()).toMatchObject({
      event: "server.reloaded",
      level: "info",
      reason: "changed: tenant.signingKeys; 0 WebSockets closed",
    });
    await sessionOf("bob");
    expect(tenant.logins.map(({ subject, keyId }) => `${subject} ${keyId}`)).toEqual([
      "ann 2026-01",
      "bob 2026-02",
    ]);
    expect(await sessionOf("ann")).toBe(before);
    expect(socket.ws.readyState).toBe(socket.ws.OPEN);
    socket.ws.terminate();
  });

  test("closes sockets that the policy does not let in any more, and nothing else", async () => {
    const [kept, lost] = [await open("/app/a"), await open("/app/b")];
    const download = await startDownload("/api/v1/items/report");
    write({ deny: ["UPGRADE /app/b", "/api/v1/items/**"] });
    expect(await reload()).toMatchObject({
      reason: expect.stringMatching(/policy\.deny.*; 1 WebSocket closed$/),
    });
    expect(await lost.closed).toEqual({ code: 4003, reason: '{"code":"QSP-POLICY"}' });
    expect((await ask("/api/v1/items/report")).status).toBe(404);
    expect((await refusedAt("/app/b")).status).toBe(404);
    download.tenantSide.end("second half");
    expect(await download.text).toBe("first half, second half");
    expect(kept.ws.readyState).toBe(kept.ws.OPEN);
    kept.ws.terminate();
  });

  test("closes sockets of pages whose origin is not allowed any more", async () => {
    write();
    await reload();
    const [kept, lost] = [await open("/app/a"), await open("/app/a", { origin: partner })];
    write({ origins: [] });
    expect(await reload()).toMatchObject({ reason: "changed: allowedOrigins; 1 WebSocket closed" });
    expect(await lost.closed).toEqual({ code: 4003, reason: '{"code":"QSP-CROSS-SITE"}' });
    expect((await refusedAt("/app/a", { origin: partner })).status).toBe(403);
    const fromPartner = { origin: partner, "sec-fetch-site": "same-site" };
    expect((await ask("/api/v1/users/me", "ann", fromPartner)).status).toBe(403);
    expect(kept.ws.readyState).toBe(kept.ws.OPEN);
    kept.ws.terminate();
  });

  test("a handshake that the tenant answers after the reload is judged by the new rules", async () => {
    const [arrived, answered] = [createLatch(), createLatch()];
    tenant.onUpgrade(({ accept }) => {
      arrived.open();
      void answered.opened.then(accept);
    });
    const refused = refusedAt("/app/late");
    await arrived.opened;
    write({ deny: ["UPGRADE /app/late"] });
    await reload();
    answered.open();
    expect((await refused).status).toBe(404);
    tenant.onUpgrade(({ accept }) => accept());
  });

  test("refuses a configuration as a whole, names every problem, and goes on with the old one", async () => {
    write({ keyIds: ["2026-03"] });
    await reload();
    write({ keyIds: ["2026-04"], deny: ["no rule"], more: "prefixx: /q\nsesion: {}" });
    const refused = await reload();
    expect(refused).toMatchObject({ event: "server.reloadRefused", level: "error" });
    for (const part of ["policy.deny[0]: ", "prefixx: ", "sesion: "]) expect(refused?.reason).toContain(part);
    await sessionOf("carl");
    expect(tenant.logins.at(-1)).toMatchObject({ subject: "carl", keyId: "2026-03" });
  });

  test("refuses what only a restart can change, by name", async () => {
    write({
      listen: "127.0.0.1:1",
      store: "memory",
      keyIds: ["2026-05"],
      more: "limits: { requestBody: 1MiB }",
    });
    const refused = await reload();
    expect(refused).toMatchObject({ event: "server.reloadRefused" });
    for (const part of ["listen: ", "session.store: ", "limits.requestBody: ", "restart the server"])
      expect(refused?.reason).toContain(part);
    await sessionOf("dora");
    expect(tenant.logins.at(-1)).toMatchObject({ subject: "dora", keyId: "2026-03" });
  });

  test("a key that cannot be read is a problem, and not the end", async () => {
    folder.write("key.pem", "no key");
    write();
    expect((await reload())?.reason).toContain("tenant.signingKeys[0].privateKeyFile: ");
    expect(await ask("/api/v1/users/me")).toMatchObject({ status: 200 });
    folder.write("key.pem", privateKeyPem);
  });

  test("three signals at once end with the last file in force", async () => {
    write({ keyIds: ["2026-06"] });
    const before = linesOf("server.reloaded").length;
    for (let times = 0; times < 3; times += 1) server.signal("SIGHUP");
    await server.line(() => linesOf("server.reloaded").length > before);
    await sessionOf("emil");
    expect(tenant.logins.at(-1)).toMatchObject({ subject: "emil", keyId: "2026-06" });
    expect(linesOf("server.reloadRefused").at(-1)?.reason).not.toContain("failed");
  });

  test("the token of the private listener is replaced", async () => {
    const status = async (token: string): Promise<number> =>
      (await fetch(`${adminUrl}/sessions`, { headers: { authorization: `Bearer ${token}` } })).status;
    const other = "fedcba9876543210fedcba9876543210";
    folder.write("token", other);
    expect((await reload())?.reason).toContain("admin.token");
    expect([await status(servedToken), await status(other)]).toEqual([401, 200]);
  });

  test("no line of the log holds a secret", () => {
    const text = server.lines.join("\n");
    for (const secret of [oldSecret, newSecret, servedToken, privateKeyPem.split("\n")[1] ?? oldSecret])
      expect(text).not.toContain(secret);
  });
});

describe("a session secret", () => {
  test("is not given up while it is the only one that opens", async () => {
    folder.write("secret", newSecret);
    expect((await reload())?.reason).toMatch(/session\.secret.*first line of before/);
  });

  test("is rotated: sessions live on, also on a server that knows the new one alone", async () => {
    const before = await sessionOf("ann");
    folder.write("secret", `${newSecret}\n${oldSecret}\n`);
    expect((await reload())?.reason).toContain("changed: session.secret");
    expect(await sessionOf("ann")).toBe(before);
    const after = await sessionOf("fritz");
    folder.write("secret", newSecret);
    expect((await reload())?.reason).toContain("changed: session.secret");
    expect(await sessionOf("ann")).toBe(before);
    server.signal("SIGINT");
    expect(await server.ended).toBe(0);
    await start();
    expect(await sessionOf("fritz")).toBe(after);
  });
});

describe("SIGHUP during a drain", () => {
  test("is refused, and the drain goes on to its end", async () => {
    const download = await startDownload("/api/v1/items/last");
    server.signal("SIGTERM");
    await server.line((text) => text.includes('"server.draining"'));
    expect(await reload()).toMatchObject({ event: "server.reloadRefused", reason: "the server is stopping" });
    download.tenantSide.end("second half");
    expect(await download.text).toBe("first half, second half");
    expect(await server.ended).toBe(0);
  });
});

/** A download whose first half is here, and whose second one the tenant still has. */
interface Download {
  readonly tenantSide: ServerResponse;
  readonly text: Promise<string>;
}

async function startDownload(path: string): Promise<Download> {
  const tenantSide = new Promise<ServerResponse>((resolve) => {
    tenant.onCall((call) => {
      if (call.url !== path) return true;
      call.response.writeHead(200, { "content-type": "text/plain" }).write("first half, ");
      resolve(call.response);
      return false;
    });
  });
  const outgoing = request({
    ...partsOf(url),
    path: `/qlik${path}`,
    headers: servedHeaders("ann"),
    agent: false,
  });
  outgoing.end();
  const [response] = (await once(outgoing, "response")) as [NodeJS.ReadableStream];
  let text = "";
  response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const whole = once(response, "end").then(() => text);
  return { tenantSide: await tenantSide, text: whole };
}

const partsOf = (origin: string): { readonly host: string; readonly port: string } => {
  const { hostname, port } = new URL(origin);
  return { host: hostname, port };
};

const refusedAt = (path: string, headers: Record<string, string> = {}): TestSocket["refused"] =>
  testSocket(`${url.replace("http", "ws")}/qlik${path}`, { ...servedHeaders("ann"), ...headers }).refused;
