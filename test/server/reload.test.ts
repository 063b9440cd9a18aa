import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { generate } from "selfsigned";
import { afterEach, describe, expect, test } from "vitest";
import { OptionsError } from "../../src/errors.ts";
import { createStandaloneServer, type ServerConfig, type StandaloneServer } from "../../src/server.ts";

const privateKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const admin = { listen: { host: "127.0.0.1", port: 0 } };

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

const createPair = async (): Promise<NonNullable<ServerConfig["tls"]>> => {
  const pair = await generate([{ name: "commonName", value: "localhost" }], {
    algorithm: "sha256",
    keyType: "ec",
  });
  return { cert: pair.cert, key: pair.private };
};

const problemsOf = (server: StandaloneServer, next: ServerConfig): readonly string[] => {
  try {
    server.prepareReload(next);
    return [];
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    return error.problems.map(({ path }) => path);
  }
};

/** A connection over TLS, and the certificate that the server proved itself with. */
async function connected(url: string): Promise<{ socket: TLSSocket; serial: string }> {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  return { socket, serial: socket.getPeerCertificate().serialNumber };
}

async function statusOn(socket: TLSSocket): Promise<string> {
  socket.write("GET /elsewhere HTTP/1.1\r\nHost: a\r\n\r\n");
  const [chunk] = (await once(socket, "data")) as [Buffer];
  return chunk.toString().slice(0, 12);
}

describe("prepareReload", () => {
  test("new connections meet the new certificate, old ones go on", async () => {
    const [first, second] = [await createPair(), await createPair()];
    const server = await start({ tls: first });
    const before = await connected(server.url);
    const commit = server.prepareReload({ ...config, tls: second });
    const between = await connected(server.url);
    commit();
    const after = await connected(server.url);
    expect(between.serial).toBe(before.serial);
    expect(after.serial).not.toBe(before.serial);
    expect(await statusOn(before.socket)).toBe("HTTP/1.1 404");
    expect(await statusOn(after.socket)).toBe("HTTP/1.1 404");
    for (const { socket } of [before, between, after]) socket.destroy();
  });

  test("names everything that stands against it in one pass", async () => {
    const server = await start({ tls: await createPair() });
    const [{ cert }, { key }] = [await createPair(), await createPair()];
    const next: ServerConfig = {
      ...config,
      listen: { host: "127.0.0.1", port: 1 },
      workers: 2,
      admin,
      tls: { cert, key },
      options: { ...config.options, prefix: "/other" },
    };
    expect(problemsOf(server, next)).toEqual(["listen", "workers", "admin.listen", "tls.cert", "prefix"]);
    expect(problemsOf(server, { ...config, tls: { cert, key }, workers: 1 })).toEqual(["tls.cert"]);
    expect(problemsOf(server, config)).toEqual(["tls"]);
    expect(problemsOf(server, { ...next, options: { ...config.options, prefix: "other" } })).toContain(
      "prefix",
    );
  });
});
