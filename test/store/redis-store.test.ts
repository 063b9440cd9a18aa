import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { build } from "esbuild";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { makeCertificate } from "../../src/emulator/certificate.ts";
import { connectRedis } from "../../src/store/connect-redis.ts";
import type { RedisClient } from "../../src/store/redis-client.ts";
import { fromIoredis } from "../../src/store/redis-from-ioredis.ts";
import { fromNodeRedis } from "../../src/store/redis-from-node-redis.ts";
import { createRedisStore } from "../../src/store/redis-store.ts";
import type { SessionStore } from "../../src/store/session-store.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { untilHeard } from "./contract.ts";
import { addressOf } from "./fixtures.ts";

/** Milliseconds. */
const timeout = 3000;
const long = 600_000;

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.close());

const closing: (() => unknown)[] = [];
const later = (close: () => unknown): void => void closing.push(close);
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function kept(store: SessionStore): SessionStore {
  later(() => store.close());
  return store;
}

function ioredis(options: object = {}): Redis {
  const client = new Redis(server.port, options);
  client.on("error", () => {});
  later(() => client.disconnect());
  return client;
}

async function nodeRedis(options: { readonly name?: string; readonly keyPrefix?: string } = {}) {
  const client = createClient({ url: server.url, ...options });
  client.on("error", () => {});
  await client.connect();
  later(() => client.destroy());
  return client;
}

test("a document that was deleted comes back with a higher version", async () => {
  const store = kept(createRedisStore(fromIoredis(ioredis()), { timeout }));
  const write = { value: "1", keepFor: long };
  await store.write("s.deleted", { ...write, version: 0, readAt: (await store.read("s.deleted")).now });
  const before = await store.read("s.deleted");
  await server.ask("DEL", "qsp:s.deleted");
  expect(await store.read("s.deleted")).toMatchObject({ version: 0, value: null });
  await store.write("s.deleted", { ...write, version: 0, readAt: before.now });
  expect((await store.read("s.deleted")).version).toBeGreaterThan(before.version);
});

test("versions and times are exact numbers, in milliseconds and microseconds since 1970", async () => {
  const store = kept(createRedisStore(fromIoredis(ioredis()), { timeout }));
  const { now } = await store.read("s.exact");
  expect(Math.abs(now - Date.now())).toBeLessThan(5000);
  await store.write("s.exact", { version: 0, readAt: now, value: "1", keepFor: long });
  const { version } = await store.read("s.exact");
  expect(await server.ask("HGET", "qsp:s.exact", "v")).toBe(String(version));
  expect(version).toBeGreaterThanOrEqual(now * 1000);
  expect(version).toBeLessThan((now + 60_000) * 1000);
});

test("a write that a client sends twice is done once, and answered as done both times", async () => {
  const brought = fromIoredis(ioredis());
  const twice: RedisClient = {
    ...brought,
    async eval(...args) {
      await brought.eval(...args);
      return brought.eval(...args);
    },
  };
  const store = kept(createRedisStore(twice, { timeout }));
  const { now } = await store.read("s.twice");
  const write = { version: 0, readAt: now, value: "1", keepFor: long };
  expect(await store.write("s.twice", write)).toMatchObject({ written: true });
  expect(await store.write("s.twice", write)).toMatchObject({ written: false });
});

test("a replica refuses reads, so that nothing is read of the time before a failover", async () => {
  const replica = await startRedisServer({ config: [`replicaof 127.0.0.1 ${server.port}`] });
  later(() => replica.close());
  const store = kept(connectRedis(addressOf(replica.url), { timeout }));
  await expect(store.read("s.1")).rejects.toThrow("READONLY");
});

test("stores with different prefixes do not meet", async () => {
  const client = ioredis();
  const one = kept(createRedisStore(fromIoredis(client), { timeout, prefix: "one[*]:" }));
  const other = kept(createRedisStore(fromIoredis(client), { timeout, prefix: "one*:" }));
  const { now } = await one.read("s.1");
  await one.write("s.1", { version: 0, readAt: now, value: "1", keepFor: long });
  expect((await other.read("s.1")).value).toBeNull();
  expect(await one.names("s.")).toEqual(["s.1"]);
  expect(await other.names("s.")).toEqual([]);
  expect(await server.ask("EXISTS", "one[*]:s.1")).toBe("1");
});

test.each<readonly [string, () => Promise<RedisClient>]>([
  ["ioredis", () => Promise.resolve(fromIoredis(ioredis({ keyPrefix: "app:" })))],
  ["node-redis", async () => fromNodeRedis(await nodeRedis({ keyPrefix: "app:" }))],
])("a key prefix of a brought client (%s) is no part of a name", async (library, bring) => {
  const store = kept(createRedisStore(await bring(), { timeout }));
  const name = `k.${library}`;
  const { now } = await store.read(name);
  await store.write(name, { version: 0, readAt: now, value: "1", keepFor: long });
  expect(await store.names("k.")).toContain(name);
  expect(await server.ask("EXISTS", `app:qsp:${name}`)).toBe("1");
});

/** A client of an application, and whether it still works for it. */
interface Brought {
  readonly port: RedisClient;
  ping(): Promise<string>;
}

test.each<readonly [string, () => Promise<Brought>]>([
  [
    "ioredis",
    async () => {
      const client = ioredis({ connectionName: "of-ioredis" });
      return { port: fromIoredis(client), ping: () => client.ping() };
    },
  ],
  [
    "node-redis",
    async () => {
      const client = await nodeRedis({ name: "of-node-redis" });
      return { port: fromNodeRedis(client), ping: () => client.ping() };
    },
  ],
])("a brought client (%s) stays open, and the connection that listens does not", async (library, bring) => {
  const { port, ping } = await bring();
  const store = createRedisStore(port, { timeout });
  const heard: string[] = [];
  store.subscribe((message) => void heard.push(message));
  await untilHeard(store, heard);
  const count = async (): Promise<number> =>
    (await server.ask("CLIENT", "LIST")).split("\n").filter((line) => line.includes(`name=of-${library}`))
      .length;
  expect(await count()).toBe(2);
  await store.close();
  expect(await ping()).toBe("PONG");
  await expect.poll(count).toBe(1);
});

test("a refusal says what the server said, and nothing of what was asked", async () => {
  const guarded = await startRedisServer({ acl: { user: "qsp", password: "hunter2" } });
  later(() => guarded.close());
  const wrong = guarded.url.replace("hunter2", "hunter3");
  const store = kept(connectRedis(addressOf(wrong), { timeout }));
  const asked = { version: 0, readAt: 0, value: "q1.sealed", keepFor: 1 };
  const error: unknown = await store.write("s.1", asked).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  expect(String(error)).toContain("WRONGPASS");
  expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/hunter|q1\.sealed|HSET/);
});

test("a certificate that nobody vouches for is refused, as is one for another name", async () => {
  const secured = await startRedisServer({ tls: true, config: ["bind 127.0.0.1 127.0.0.2"] });
  later(() => secured.close());
  const ca = secured.ca ?? undefined;
  const strange = (await makeCertificate("localhost")).certificate;
  const open = (url: string, authority?: string): SessionStore =>
    kept(connectRedis(addressOf(url), { timeout, ca: authority }));
  await expect(open(secured.url).read("s.1")).rejects.toThrow(/self.signed certificate/);
  await expect(open(secured.url, strange).read("s.1")).rejects.toThrow(/self.signed certificate/);
  const renamed = secured.url.replace("127.0.0.1", "127.0.0.2");
  await expect(open(renamed, ca).read("s.1")).rejects.toThrow(/altnames/);
  expect((await open(secured.url, ca).read("s.1")).version).toBe(0);
});

test("a refusal says why there is no connection", async () => {
  const gone = await startRedisServer();
  await gone.close();
  const host = `127.0.0.1:${gone.port}`;
  const reasons = [
    [`redis://${host}`, "ECONNREFUSED"],
    [`redis+sentinel://${host}/m`, "All sentinels are unreachable"],
    [`redis+cluster://${host}`, "Failed to refresh slots cache"],
  ] as const;
  for (const [url, reason] of reasons) {
    const store = kept(connectRedis(addressOf(url), { timeout: 500 }));
    await store.read("s.1").catch(() => {});
    await expect(store.read("s.1")).rejects.toThrow(reason);
  }
});

/** A process that opens a store, uses it, closes it, and must then end by itself. */
const useAndClose = (url: string, timeout: number): string => `
import { connectRedis } from "./src/store/connect-redis.ts";
import { parseStoreUrl } from "./src/store/redis-url.ts";
const store = connectRedis(parseStoreUrl(${JSON.stringify(url)}) as never, { timeout: ${timeout} });
store.subscribe(() => {});
const outcome = await store.read("s.1").then(() => "read", () => "refused");
await store.publish("m").catch(() => {});
await store.close();
console.log(outcome);
`;

async function runToItsEnd(
  url: string,
  timeout = 300,
): Promise<{ readonly code: unknown; readonly said: string }> {
  const folder = await mkdtemp(join(tmpdir(), "qsp-store-"));
  later(() => rm(folder, { recursive: true, force: true }));
  const outfile = join(folder, "program.mjs");
  await build({
    stdin: { contents: useAndClose(url, timeout), resolveDir: ".", loader: "ts" },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    logLevel: "silent",
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  const child = spawn(process.execPath, [outfile], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 15_000,
    killSignal: "SIGKILL",
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, "close")) as [unknown];
  return { code, said: said.trim() };
}

test("a process ends by itself after its store was closed", async () => {
  // A busy machine may keep a server that is there from answering for a while.
  expect(await runToItsEnd(server.url, 5000)).toEqual({ code: 0, said: "read" });
});

test("a process ends by itself also while no server, sentinel or node can be reached", async () => {
  const gone = await startRedisServer();
  await gone.close();
  const host = `127.0.0.1:${gone.port}`;
  const urls = [`redis://${host}`, `redis+sentinel://${host}/m`, `redis+cluster://${host}`];
  const ends = await Promise.all(urls.map((url) => runToItsEnd(url)));
  expect(ends).toEqual(urls.map(() => ({ code: 0, said: "refused" })));
});

test("a process ends by itself also while the server is silent", async () => {
  const silent = await startRedisServer();
  later(() => silent.close());
  silent.pause();
  expect(await runToItsEnd(silent.url)).toEqual({ code: 0, said: "refused" });
});
