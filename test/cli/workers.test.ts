/* Several processes on one address: real workers, real signals, real deaths. rules R15 */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type ConfigFolder, createConfigFolder } from "../config/config-folder.ts";
import { createLatch } from "../support/latch.ts";
import { type NamedTenant, startNamedTenant } from "../support/named-tenant.ts";
import { type RawAnswer, send } from "../support/raw-client.ts";
import { servedHeaders, servedHost, servedToken } from "../support/served-proxy.ts";
import { testSocket, type TestSocket } from "../support/stack.ts";
import { childrenOf, ownerOfPort } from "../support/worker-pids.ts";
import { runCommand, type RunningCommand, startCommand } from "./command.ts";

interface Line {
  readonly event: string;
  readonly worker?: number;
  readonly status?: number;
  readonly reason?: string;
  readonly url?: string;
  readonly adminUrl?: string;
}

let tenant: NamedTenant;
let folder: ConfigFolder;
let server: RunningCommand;
let url = "";
let adminUrl = "";

const me = "/api/v1/users/me";

const configOf = (keyId: string, deny: readonly string[], more: string): string => `
publicOrigin: https://${servedHost}
listen: 127.0.0.1:0
workers: 2
admin: { listen: "127.0.0.1:0", tokenFile: token }
tenant:
  origin: ${tenant.origin}
  signingKeys: [{ issuer: portal, keyId: "${keyId}", privateKeyFile: key.pem }]
identity:
  trustedHeader: { from: [127.0.0.1], subject: X-User-Sub, email: X-User-Email }
policy: { deny: ${JSON.stringify(deny)} }
timeouts: { drainDelay: 10s, drain: 10s, login: 15s }
unsafe: { plainHttpTenant: true }
${more}
`;

const write = (keyId = "2026-01", deny: readonly string[] = [], more = ""): string =>
  folder.write("config.yaml", configOf(keyId, deny, more));

const linesOf = (event: string): readonly Line[] =>
  server.lines.map((text) => JSON.parse(text) as Line).filter((line) => line.event.startsWith(event));

/** Sends the signal, and returns what the server says of it. */
async function reload(): Promise<Line | undefined> {
  const { length } = linesOf("server.reload");
  server.signal("SIGHUP");
  await server.line(() => linesOf("server.reload").length > length);
  return linesOf("server.reload").at(-1);
}

/** On a connection of its own, so that it is not known which worker gets it. */
const ask = (user: string, path = me, method = "GET"): Promise<RawAnswer> =>
  send({ origin: url, path: `/qlik${path}`, method, headers: servedHeaders(user) });

async function open(user: string, path = "/app/a"): Promise<TestSocket> {
  const socket = testSocket(`${url.replace("http", "ws")}/qlik${path}`, servedHeaders(user));
  await once(socket.ws, "open");
  return socket;
}

/** Sockets of one user on both workers: opened until each of them has one. */
async function openOnBoth(user: string, path = "/app/a"): Promise<readonly TestSocket[]> {
  const owners = new Set<number | undefined>();
  tenant.onUpgrade(({ request, accept }) => {
    owners.add(ownerOfPort(request.socket.remotePort ?? 0, childrenOf(server.pid)));
    accept();
  });
  const sockets: TestSocket[] = [];
  while (owners.size < 2 || sockets.length < 3) sockets.push(await open(user, path));
  return sockets;
}

const admin = (path: string, method = "GET"): Promise<Response> =>
  fetch(`${adminUrl}${path}`, { method, headers: { authorization: `Bearer ${servedToken}` } });

/** How many sockets the private listener counts for a user. */
async function countOf(user: string): Promise<number | undefined> {
  const listed = (await (await admin(`/sessions?subject=${user}`)).json()) as readonly { sockets: number }[];
  return listed[0]?.sockets;
}

const loginsOf = (user: string): number => tenant.logins.filter(({ subject }) => subject === user).length;

beforeAll(async () => {
  tenant = await startNamedTenant();
  folder = createConfigFolder();
  folder.write("token", servedToken);
  server = startCommand(["serve", "-c", write()]);
  await server.line((text) => text.includes('"server.started"'));
  const [started] = linesOf("server.started");
  url = started?.url ?? "";
  adminUrl = started?.adminUrl ?? "";
});

afterAll(async () => {
  await server.kill();
  await tenant.close();
  folder.remove();
});

describe("workers: 2", () => {
  test("log each user in once, however many ask both of them first", async () => {
    // Workers accept by themselves, so that one of them may take all; then others begin anew.
    let took = new Set<number | undefined>();
    for (let round = 0; took.size < 2; round += 1) {
      const before = linesOf("exchange.finished").length;
      const users = Array.from({ length: 6 }, (_, index) => `user-${round}-${index}`);
      const answers = await Promise.all(users.flatMap((user) => Array.from({ length: 6 }, () => ask(user))));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(users.map(loginsOf)).toEqual(users.map(() => 1));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(users.length);
      await server.line(() => linesOf("exchange.finished").length >= before + answers.length);
      took = new Set(
        linesOf("exchange.finished")
          .slice(before)
          .map(({ worker }) => worker),
      );
    }
    expect(took).toEqual(new Set([1, 2]));
  });

  test("are one server to the private listener: readiness, list, sockets", async () => {
    expect(await (await fetch(`${adminUrl}/health/ready`)).json()).toEqual({ status: "ready" });
    const sockets = await openOnBoth("ann");
    expect(await countOf("ann")).toBe(sockets.length);
    for (const { ws } of sockets) ws.terminate();
    await vi.waitFor(async () => expect(await countOf("ann")).toBe(0), { timeout: 5000 });
  });

  test.each<[string, (user: string) => Promise<{ status: number }>, number]>([
    ["a log-out", (user) => ask(user, "/_session", "DELETE"), 204],
    ["an order of the operator", (user) => admin(`/sessions?subject=${user}`, "DELETE"), 200],
  ])("%s reaches the sockets of both", async (what, end, status) => {
    const user = what.replaceAll(" ", "-");
    const sockets = await openOnBoth(user);
    expect((await end(user)).status).toBe(status);
    const ends = await Promise.all(sockets.map(({ closed }) => closed));
    expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([4203]));
    expect(await countOf(user)).toBeUndefined();
    expect((await ask(user)).status).toBe(401);
  });

  test("reload as one: both sign with the new key, and close what is not allowed any more", async () => {
    const sockets = await openOnBoth("ann", "/app/shut");
    write("2026-02", ["UPGRADE /app/shut"]);
    expect(await reload()).toMatchObject({
      event: "server.reloaded",
      reason: `changed: policy.deny, tenant.signingKeys; ${sockets.length} WebSockets closed`,
    });
    const ends = await Promise.all(sockets.map(({ closed }) => closed));
    expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([4003]));
    const users = Array.from({ length: 4 }, (_, index) => `later-${index}`);
    await Promise.all(users.map((user) => ask(user)));
    const keyIds = tenant.logins
      .filter(({ subject }) => subject.startsWith("later"))
      .map(({ keyId }) => keyId);
    expect(keyIds).toEqual(["2026-02", "2026-02", "2026-02", "2026-02"]);
  });

  test("refuse a reload as one, with the problems of all in one line", async () => {
    folder.write(
      "config.yaml",
      configOf("2026-03", [], "prefix: /other").replace("workers: 2", "workers: 3"),
    );
    const refused = await reload();
    for (const part of ["workers: ", "prefix: "]) expect(refused?.reason).toContain(part);
    await Promise.all(["x", "y"].map((user) => ask(user)));
    expect(tenant.logins.slice(-2).map(({ keyId }) => keyId)).toEqual(["2026-02", "2026-02"]);
  });

  test("a worker that dies is replaced; who waits for its login logs in at once; nothing hangs", async () => {
    const [asked, both] = [createLatch(), createLatch()];
    let port = 0;
    tenant.onLogin(async (login, response) => {
      if (login.subject !== "gus" || loginsOf("gus") > 1) return true;
      port = response.socket?.remotePort ?? 0;
      asked.open();
      await both.opened;
      return false;
    });
    const first = ask("gus").then(
      ({ status }) => status,
      () => "cut off",
    );
    await asked.opened;
    const workers = childrenOf(server.pid);
    expect(workers).toHaveLength(2);
    const holder = ownerOfPort(port, workers) ?? 0;
    // Four more on both of them, which wait for the login that is under way.
    const others = Array.from({ length: 4 }, () =>
      ask("gus").then(
        ({ status }) => status,
        () => "cut off",
      ),
    );
    const killedAt = performance.now();
    process.kill(holder, "SIGKILL");
    expect(await first).toBe("cut off");
    const outcomes = await Promise.all(others);
    expect(outcomes).toContain(200);
    expect(outcomes.every((each) => each === 200 || each === "cut off")).toBe(true);
    // The lease alone would have held them up for three seconds.
    expect(performance.now() - killedAt).toBeLessThan(2900);
    expect(loginsOf("gus")).toBe(2);
    both.open();
    await server.line((text) => text.includes('"worker.replaced"'));
    expect(linesOf("worker.died")[0]?.reason).toMatch(
      /^worker [12] died \(SIGKILL\); another one takes its place$/,
    );
    expect(childrenOf(server.pid)).toHaveLength(2);
    const answers = await Promise.all(Array.from({ length: 4 }, () => ask("gus")));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await ask("new-in-the-replaced");
    expect(tenant.logins.at(-1)?.keyId).toBe("2026-02");
  });

  test("that cannot start are told of in one line, and nothing is left running", async () => {
    const address = new URL(url).host;
    const { code, stdout, stderr } = await runCommand(["serve", "-c", write(), "--listen", address]);
    expect(stderr).toBe(
      `qlik-session-proxy: ${address} is already in use: stop the other program, or listen elsewhere\n`,
    );
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });

  test("finish what they have on SIGTERM, log out at the tenant who is left, and end with 0", async () => {
    const tenantSide = new Promise<ServerResponse>((resolve) => {
      tenant.onCall((call) => {
        if (call.url !== "/api/v1/items/slow") return true;
        resolve(call.response);
        return false;
      });
    });
    const slow = ask("ann", "/api/v1/items/slow");
    const response = await tenantSide;
    server.signal("SIGTERM");
    await server.line((text) => text.includes('"server.draining"'));
    expect((await fetch(`${adminUrl}/health/ready`)).status).toBe(503);
    response.setHeader("content-type", "text/plain").end("done");
    expect((await slow).text).toBe("done");
    expect(await server.ended).toBe(0);
    expect(tenant.lost.size).toBeGreaterThan(6);
    expect(server.complaints()).toBe("");
  });
});
