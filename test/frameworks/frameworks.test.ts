import { readFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import { generate } from "selfsigned";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { optionsFor, startTestTenant } from "../support/stack.ts";
import { type Host, hosts } from "./hosts.ts";

interface Told {
  readonly status: number;
  readonly text: string;
  readonly cookies: readonly string[];
}

/** A browser's part: it keeps the cookies that the host sets. */
class Page {
  readonly #origin: string;
  readonly #jar = new Map<string, string>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  get headers(): Record<string, string> {
    const cookie = [...this.#jar].map((pair) => pair.join("=")).join("; ");
    const { host } = new URL(this.#origin);
    return { host, origin: this.#origin, "sec-fetch-site": "same-origin", ...(cookie ? { cookie } : {}) };
  }

  send(method: string, path: string, body?: string): Promise<Told> {
    const url = new URL(this.#origin);
    const { request } = url.protocol === "https:" ? https : http;
    const headers = {
      ...this.headers,
      ...(body === undefined ? {} : { "content-type": "application/json", "content-length": body.length }),
    };
    const options = { host: "127.0.0.1", port: url.port, method, path, headers, rejectUnauthorized: false };
    return new Promise((resolve, reject) => {
      const outgoing = request({ ...options, agent: false }, (answer) => {
        const chunks: Buffer[] = [];
        const cookies = answer.headers["set-cookie"] ?? [];
        for (const each of cookies) {
          const [name = "", value = ""] = (each.split(";")[0] ?? "").split(/=(.*)/s);
          if (value === "") this.#jar.delete(name);
          else this.#jar.set(name, value);
        }
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString(), cookies }),
        );
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  socket(): WebSocket {
    const url = `${this.#origin.replace("http", "ws").replace(/\/\/[^:]+/, "//127.0.0.1")}/qlik/app/engineData`;
    return new WebSocket(url, [], { headers: this.headers, rejectUnauthorized: false });
  }
}

const firstMessage = (ws: WebSocket): Promise<string> =>
  new Promise((resolve, reject) => {
    ws.once("message", (data: Buffer) => resolve(data.toString()));
    ws.once("error", reject);
  });
const closeCode = (ws: WebSocket): Promise<number> => new Promise((resolve) => ws.once("close", resolve));

/** One host through everything that the table promises. */
async function visit(host: Host): Promise<void> {
  const pair = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
  });
  const tenant = await startTestTenant();
  const server = host.listen({ cert: pair.cert, key: pair.private });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `${host.scheme}://portal.localhost:${(server.address() as AddressInfo).port}`;
  const policy = { presets: ["embed", "embed-write"] };
  const mounted = await host.mount(
    server,
    optionsFor(tenant, origin, { policy, timeouts: { drain: 200, drainDelay: 0 } }),
  );
  const page = new Page(origin);
  try {
    // Host session: nobody first, then whoever signed in.
    expect((await page.send("GET", "/qlik/api/v1/users/me")).status).toBe(401);
    expect((await page.send("POST", "/sign-in?as=ann")).text).toBe("in");
    const me = await page.send("GET", "/qlik/api/v1/users/me");
    expect([me.status, me.text.includes("ann")]).toEqual([200, true]);
    expect((await page.send("GET", "/qlik/_session")).status).toBe(200);
    // A rolling session rolls with our answers too. rules R8
    expect(me.cookies.length > 0).toBe(host.session.includes("rolling"));
    // Body parser: the host's own bodies are parsed, ours are not.
    expect((await page.send("POST", "/echo", '{"a":1}')).text).toBe('{"a":1}');
    const report = '{"type":"sense-image-1.0","odd  spacing":1}';
    expect((await page.send("POST", "/qlik/api/v1/reports", report)).status).toBe(202);
    expect(tenant.recordings({ path: "/api/v1/reports" })[0]?.bodyStart.toString()).toBe(report);
    // Socket, by the same session; the log-out ends it.
    const socket = page.socket();
    expect(await firstMessage(socket)).toContain("OnConnected");
    const closed = closeCode(socket);
    expect((await page.send("POST", "/sign-out")).text).toBe("out");
    expect(await closed).toBe(4203);
    expect((await page.send("GET", "/qlik/api/v1/users/me")).status).toBe(401);
    // Drain: sockets are sent elsewhere.
    await new Promise((resolve) => setTimeout(resolve, 2100));
    await page.send("POST", "/sign-in?as=bob");
    const other = page.socket();
    expect(await firstMessage(other)).toContain("OnConnected");
    const moved = closeCode(other);
    await mounted.drain();
    expect(await moved).toBe(4003);
    expect(mounted.stats()).toMatchObject({ draining: true, sockets: 0, inFlight: 0 });
  } finally {
    await mounted.end?.();
    await mounted.close();
    (server as { closeAllConnections?: () => void }).closeAllConnections?.();
    server.close();
    await tenant.close();
  }
}

/** Rows of the hosts that did all of it. */
const shown: string[] = [];
const rowOf = ({ name, session }: Host): string => `| ${name} | yes | yes | ${session} | yes | yes | yes |`;

describe("in a host of", () => {
  test.each(hosts.map((host) => [host.name, host] as const))(
    "%s: requests, sockets, host session, body parser, log-out and drain",
    async (_name, host) => {
      await expect(visit(host)).resolves.toBeUndefined();
      shown.push(rowOf(host));
    },
  );

  test("the table in docs/reference/frameworks.md is what was shown", () => {
    console.log(shown.join("\n"));
    const page = readFileSync(new URL("../../docs/reference/frameworks.md", import.meta.url), "utf8");
    const rows = page
      .split("\n")
      .flatMap((line) => (line.startsWith("|") ? [line.replaceAll(/ +/g, " ")] : []));
    expect(rows.slice(2)).toEqual(shown);
  });
});
