import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { get, type RequestOptions } from "node:http";
import { get as secureGet } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate } from "selfsigned";
import { afterEach, describe, expect, test } from "vitest";
import {
  createStandaloneServer,
  ListenError,
  Secret,
  type ServerConfig,
  type StandaloneServer,
} from "../../src/server.ts";
import { OptionsError } from "../../src/errors.ts";

const privateKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

/** A tenant that nothing listens at: these tests stop at the door. */
const config: ServerConfig = {
  listen: { host: "127.0.0.1", port: 0 },
  options: {
    tenant: {
      origin: "https://acme.eu.qlikcloud.com",
      signingKeys: [{ issuer: "acme-portal", keyId: "2026-01", privateKey }],
    },
    identify: () => null,
  },
  drain: { delay: 0, deadline: 1000 },
};

const running: StandaloneServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

const start = async (changes: Partial<ServerConfig> = {}): Promise<StandaloneServer> => {
  const server = await createStandaloneServer({ ...config, ...changes });
  running.push(server);
  return server;
};

/** Sends bytes and returns everything that comes back until the connection ends. */
async function exchangeBytes(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {});
  socket.write(bytes);
  await once(socket, "close");
  return Buffer.concat(chunks).toString();
}

function statusOf(from: typeof get | typeof secureGet, options: RequestOptions): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    from({ agent: false, ...options }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });
}

describe("createStandaloneServer", () => {
  test.each([
    ["no HTTP at all", "\u0016\u0003\u0001\u0002\u0000", 400, "QSP-TARGET"],
    ["a header without a colon", "GET / HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n", 400, "QSP-TARGET"],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      400,
      "QSP-TARGET",
    ],
    [
      "a length and chunks",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
      "QSP-TARGET",
    ],
    [
      "65 KiB of headers",
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(66_560)}\r\n\r\n`,
      431,
      "QSP-TOO-LARGE",
    ],
  ])("answers %s in the shape of its errors, and closes", async (_what, bytes, status, code) => {
    const { url } = await start();
    const answer = await exchangeBytes(url, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer.toLowerCase()).toContain("connection: close");
    const body = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)) as object;
    expect(body).toMatchObject({ errors: [{ code, status: String(status) }] });
  });

  test("answers a request without a host, and one with an odd expectation, in its own words", async () => {
    const { url } = await start();
    const noHost = await exchangeBytes(url, "GET /qlik/_session HTTP/1.1\r\nConnection: close\r\n\r\n");
    expect([noHost.slice(0, 12), noHost.includes("QSP-TARGET")]).toEqual(["HTTP/1.1 400", true]);
    const odd = await exchangeBytes(
      url,
      `GET /elsewhere HTTP/1.1\r\nHost: ${new URL(url).host}\r\nExpect: more\r\nConnection: close\r\n\r\n`,
    );
    expect([odd.slice(0, 12), odd.includes("QSP-POLICY")]).toEqual(["HTTP/1.1 404", true]);
  });

  test("serves TLS with the certificate that it is given", async () => {
    const pair = await generate([{ name: "commonName", value: "localhost" }], {
      algorithm: "sha256",
      keyType: "ec",
    });
    const { url } = await start({ tls: { cert: pair.cert, key: pair.private } });
    expect(url).toMatch(/^https:/);
    const port = Number(new URL(url).port);
    const options = { host: "127.0.0.1", servername: "localhost", port, ca: pair.cert, path: "/elsewhere" };
    expect(await statusOf(secureGet, options)).toBe(404);
  });

  test("listens on a unix socket", async () => {
    const path = join(tmpdir(), `qsp-${process.pid}-${Date.now()}.sock`);
    try {
      const { url } = await start({ listen: { path } });
      expect(url).toBe(`unix:${path}`);
      expect(await statusOf(get, { socketPath: path, path: "/elsewhere" })).toBe(404);
    } finally {
      rmSync(path, { force: true });
    }
  });

  test("refuses wrong options with every problem, before it listens", async () => {
    const options = { ...config.options, prefix: "qlik", allowedOrigins: ["*"] };
    const failure = await createStandaloneServer({ ...config, options }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OptionsError);
    expect((failure as OptionsError).problems.map(({ path }) => path)).toEqual([
      "allowedOrigins[0]",
      "prefix",
    ]);
  });

  test("leaves nothing running when the private address is taken", async () => {
    const taken = new URL((await start()).url);
    const free = new URL((await start()).url);
    await running.pop()?.close();
    const listen = { host: "127.0.0.1", port: Number(free.port) };
    const admin = {
      listen: { host: "127.0.0.1", port: Number(taken.port) },
      token: new Secret("0123456789abcdef"),
    };
    await expect(createStandaloneServer({ ...config, listen, admin })).rejects.toThrow(ListenError);
    expect((await start({ listen })).url).toBe(free.origin);
  });

  test("ends a drain at once when nothing is in flight, however long it may take", async () => {
    const server = await start({ drain: { delay: 600_000, deadline: 600_000 } });
    await server.drain();
    await expect(fetch(server.url)).rejects.toThrow("fetch failed");
  });

  test("can be closed again and again", async () => {
    const server = await start();
    await Promise.all([server.close(), server.close(), server.drain()]);
    await server.close();
    await expect(fetch(server.url)).rejects.toThrow("fetch failed");
  });
});
