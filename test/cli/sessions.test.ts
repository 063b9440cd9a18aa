import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";
import { send } from "../support/raw-client.ts";
import { testSocket } from "../support/stack.ts";
import { comeBack } from "../server/admin-world.ts";
import { type Ended, freePort, runCommand, type RunningCommand, startCommand } from "./command.ts";

const token = "0123456789abcdef0123456789abcdef";

/** What the browser calls the front door; nothing listens there. */
const publicHost = "portal.localhost:8443";

let folder: ConfigFolder;
let file: string;
let tokenFile: string;
let tenant: RunningCommand;
let server: RunningCommand;
let url: string;
let adminUrl: string;

beforeAll(async () => {
  folder = createConfigFolder();
  tokenFile = folder.write("token", `${token}\n`);
  file = folder.write(
    "config.yaml",
    `
publicOrigin: https://${publicHost}
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:${await freePort()}, tokenFile: token }
tenant:
  origin: http://127.0.0.1:${await freePort()}
  signingKeys: [{ issuer: acme-portal, keyId: "2026-01", privateKeyFile: key.pem }]
identity:
  trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, email: X-User-Email, sessionId: X-User-Session }
unsafe: { plainHttpTenant: true }
timeouts: { drainDelay: 0s, drain: 1s }
`,
  );
  tenant = startCommand(["emulate", "-c", file]);
  await tenant.line((line) => line === "ready");
  server = startCommand(["serve", "-c", file]);
  const line = await server.line((text) => text.includes('"server.started"'));
  ({ url, adminUrl } = JSON.parse(line) as { url: string; adminUrl: string });
});

afterAll(async () => {
  await server.kill();
  await tenant.kill();
  folder.remove();
});

/** The command with address and token. */
const sessions = (...args: readonly string[]): Promise<Ended> =>
  runCommand(["sessions", ...args, "--admin", adminUrl, "--token-file", tokenFile]);

interface Listed {
  readonly key: string;
  readonly subject: string;
}

const listed = async (...args: readonly string[]): Promise<readonly Listed[]> =>
  JSON.parse((await sessions("list", "--json", ...args)).stdout) as readonly Listed[];

const headersOf = (subject: string, session: string): Record<string, string> => ({
  host: publicHost,
  "sec-fetch-site": "same-origin",
  // Bytes of UTF-8, as front doors send them.
  "x-user-sub": Buffer.from(subject).toString("latin1"),
  "x-user-email": "someone@example.com",
  "x-user-session": session,
});

async function visit(subject: string, session = "1"): Promise<number> {
  const headers = headersOf(subject, session);
  return (await send({ origin: url, path: "/qlik/api/v1/users/me", headers })).status;
}

/** Ends what a test has made; whoever was ended stays out for a while, so that each test has users of its own. */
afterEach(async () => {
  const headers = { authorization: `Bearer ${token}` };
  const left = (await (await fetch(`${adminUrl}/sessions`, { headers })).json()) as readonly Listed[];
  for (const { key } of left) await fetch(`${adminUrl}/sessions?key=${key}`, { method: "DELETE", headers });
});

describe("sessions list", () => {
  test("prints a table, the last used first", async () => {
    expect(await sessions("list")).toEqual({ code: 0, stdout: "No sessions.\n", stderr: "" });
    await visit("acme|ann");
    // Longer than answers take on a busy machine, so that it is known who came last.
    await sleep(500);
    await visit("acme|bob");
    const { code, stdout } = await sessions("list");
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^LAST USE .* SUBJECT +KEY$/);
    expect(lines[1]).toMatch(/ acme\|bob +[0-9a-f]{64}$/);
    expect(lines[2]).toMatch(/ acme\|ann +[0-9a-f]{64}$/);
    expect(code).toBe(0);
  });

  test("prints JSON, of a subject or a key only, and says how many it left out", async () => {
    await visit("acme|carl", "1");
    await visit("acme|carl", "2");
    await visit("b+b & \u00eb");
    const [first] = await listed("--subject", "b+b & \u00eb");
    expect(first).toMatchObject({ subject: "b+b & \u00eb" });
    expect(await listed("--key", first?.key ?? "")).toEqual([first]);
    expect(await listed("--subject", "acme|carl")).toHaveLength(2);
    const few = await sessions("list", "--limit", "1");
    expect(few.stdout.trimEnd().split("\n")).toHaveLength(2);
    expect(few.stderr).toBe("1 of 3 sessions; more with --limit\n");
  });
});

describe("sessions revoke", () => {
  test("ends what a subject has, sockets included", async () => {
    await visit("acme|dora", "1");
    const headers = headersOf("acme|dora", "2");
    const apps = await send({ origin: url, path: "/qlik/api/v1/items?resourceType=app", headers });
    const { data } = apps.json() as { readonly data: readonly { readonly resourceId: string }[] };
    const socketUrl = `${url.replace("http", "ws")}/qlik/app/${data[0]?.resourceId}`;
    const socket = testSocket(socketUrl, { ...headers, origin: `https://${publicHost}` });
    await socket.message();
    expect(await sessions("revoke", "--subject", "acme|dora")).toEqual({
      code: 0,
      stdout: "Ended: 2 sessions of acme|dora.\n",
      stderr: "",
    });
    expect((await socket.closed).code).toBe(4203);
    expect(await listed()).toEqual([]);
    await server.line((line) => line.includes('"session.revoked"'));
    expect(server.lines.join("\n")).not.toContain("acme|dora");
  });

  test("keeps a subject out for a while", async () => {
    const { code, stdout } = await sessions(
      "revoke",
      "--subject",
      "acme|eve",
      "--block-for",
      "10m",
      "--json",
    );
    expect(JSON.parse(stdout)).toEqual({ revoked: 0 });
    expect(code).toBe(0);
    await sessions("revoke", "--subject", "acme|gus");
    expect(await comeBack(async () => ({ status: await visit("acme|gus", "2") }))).toBe(200);
    expect(await visit("acme|eve", "2")).toBe(401);
  });

  test("ends the session of a key, and fails with 1 where there is none", async () => {
    await visit("acme|fay");
    const [{ key } = { key: "" }] = await listed();
    expect((await sessions("revoke", "--key", key)).stdout).toBe(`Ended: 1 session of key ${key}.\n`);
    expect(await sessions("revoke", "--key", key)).toEqual({
      code: 1,
      stdout: "",
      stderr: "qlik-session-proxy: there is no session with this key (status 404)\n",
    });
  });
});

describe("sessions finds its listener", () => {
  test("by a configuration, of which it reads the private listener alone", async () => {
    const listen = new URL(adminUrl).host;
    const config = folder.write("admin-only.yaml", `admin: { listen: "${listen}", tokenFile: token }\n`);
    expect(await runCommand(["sessions", "list", "-c", config])).toMatchObject({ code: 0, stderr: "" });
    const everywhere = folder.write(
      "everywhere.json",
      JSON.stringify({ admin: { listen: `0.0.0.0:${new URL(adminUrl).port}`, token } }),
    );
    expect(await runCommand(["sessions", "list", "-c", everywhere])).toMatchObject({ code: 0, stderr: "" });
  });

  test("by variables, over which flags win", async () => {
    const listen = { QSP_ADMIN_LISTEN: new URL(adminUrl).host };
    const run = (variables: Record<string, string>, ...args: readonly string[]): Promise<Ended> =>
      runCommand(["sessions", "list", ...args], { ...listen, ...variables });
    expect((await run({ QSP_ADMIN_TOKEN: token })).code).toBe(0);
    expect((await run({ QSP_ADMIN_TOKEN_FILE: tokenFile })).code).toBe(0);
    expect((await run({ QSP_ADMIN_TOKEN: "wrong" })).code).toBe(1);
    expect((await run({ QSP_ADMIN_TOKEN: "wrong" }, "--token-file", tokenFile)).code).toBe(0);
    const nowhere = { QSP_ADMIN_LISTEN: "127.0.0.1:1", QSP_ADMIN_TOKEN: token };
    expect((await run(nowhere)).code).toBe(1);
    expect((await run(nowhere, "--admin", adminUrl)).code).toBe(0);
  });

  test("on a unix socket", async () => {
    const path = join(folder.path, "admin.sock");
    const asked: string[] = [];
    const own = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.end("[]");
    });
    own.listen(path);
    await once(own, "listening");
    try {
      const { code } = await runCommand(["sessions", "list", "--admin", `unix:${path}`], {
        QSP_ADMIN_TOKEN: token,
      });
      expect(code).toBe(0);
      expect(asked).toEqual([`GET /sessions Bearer ${token}`]);
    } finally {
      own.close();
    }
  });
});

describe("sessions fails with 1 and one line", () => {
  test("where nothing listens", async () => {
    const admin = `127.0.0.1:${await freePort()}`;
    const { code, stdout, stderr } = await runCommand(["sessions", "list", "--admin", admin], {
      QSP_ADMIN_TOKEN: token,
    });
    expect(stderr).toContain(`nothing listens at http://${admin}`);
    expect([stdout, code]).toEqual(["", 1]);
  });

  test("where the token is another", async () => {
    const args = ["sessions", "revoke", "--subject", "ann", "--admin", adminUrl];
    const { code, stderr } = await runCommand(args, { QSP_ADMIN_TOKEN: `${token}0` });
    expect(stderr).toBe(
      "qlik-session-proxy: send Authorization: Bearer and the token of admin.tokenFile (status 401)\n",
    );
    expect(code).toBe(1);
  });

  test("where something else answers", async () => {
    const other: Server = createServer((_request, response) => {
      response.writeHead(302, { location: "/elsewhere" }).end("<p>moved</p>");
    }).listen(0, "127.0.0.1");
    await once(other, "listening");
    try {
      const admin = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      const { code, stderr } = await runCommand(["sessions", "list", "--admin", admin], {
        QSP_ADMIN_TOKEN: token,
      });
      expect(stderr).toContain("no answer of a private listener");
      expect(code).toBe(1);
    } finally {
      other.close();
    }
  });

  test.each([
    ["a token file that is not there", ["--token-file", "/nowhere/token"], "does not exist"],
    ["a configuration that is not there", ["-c", "/nowhere/config.yaml"], "does not exist"],
  ])("for %s", async (_what, args, hint) => {
    const { code, stderr } = await runCommand(["sessions", "list", ...args]);
    expect(stderr).toContain(hint);
    expect(code).toBe(1);
  });

  test("for a configuration without a private listener", async () => {
    const config = folder.write("public-only.yaml", "listen: 127.0.0.1:8787\n");
    const { code, stderr } = await runCommand(["sessions", "list", "-c", config]);
    expect(stderr).toContain("admin.listen");
    expect(code).toBe(1);
  });
});

describe("sessions exits 2 with a hint in one line", () => {
  const key = "0123456789abcdef".repeat(4);

  test.each([
    ["no verb", [], "sessions list or sessions revoke"],
    ["another verb", ["end"], "sessions list or sessions revoke"],
    ["nothing to revoke", ["revoke"], "exactly one of --subject and --key"],
    ["subject and key", ["revoke", "--subject", "ann", "--key", key], "exactly one of --subject and --key"],
    ["a shortened key", ["revoke", "--key", key.slice(0, 12)], "64 hex digits"],
    ["a bare number", ["revoke", "--subject", "ann", "--block-for", "600"], "such as 10m"],
    ["a time with a key", ["revoke", "--key", key, "--block-for", "10m"], "--block-for goes with --subject"],
    ["a time to a list", ["list", "--block-for", "10m"], "--block-for"],
    ["a limit that is none", ["list", "--limit", "0"], "--limit"],
    ["an address that is none", ["list", "--admin", "ftp://127.0.0.1"], "--admin must be like"],
    ["a flag that is none", ["list", "--subjekt", "ann"], "--subjekt"],
  ])("for %s", async (_what, args, hint) => {
    const { code, stdout, stderr } = await runCommand(["sessions", ...args], { QSP_ADMIN_TOKEN: token });
    expect(stderr).toContain(hint);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect([stdout, code]).toEqual(["", 2]);
  });

  test("for no token, and for two", async () => {
    const none = await runCommand(["sessions", "list"]);
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("--token-file FILE")]);
    const two = await runCommand(["sessions", "list"], {
      QSP_ADMIN_TOKEN: token,
      QSP_ADMIN_TOKEN_FILE: tokenFile,
    });
    expect([two.code, two.stderr]).toEqual([2, expect.stringContaining("more than once")]);
  });
});

test("sessions --help tells how it is used, also after its verbs", async () => {
  for (const args of [["--help"], ["list", "--help"], ["revoke", "-h"]]) {
    const { code, stdout } = await runCommand(["sessions", ...args]);
    expect(stdout).toContain("Usage: qlik-session-proxy sessions list");
    expect(code).toBe(0);
  }
  expect((await runCommand(["--help"])).stdout).toContain("  sessions  ");
});
