import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterEach, describe, expect, test } from "vitest";
import { connectRedis } from "../../src/store/connect-redis.ts";
import { fromIoredis } from "../../src/store/redis-from-ioredis.ts";
import { fromNodeRedis } from "../../src/store/redis-from-node-redis.ts";
import { createRedisStore } from "../../src/store/redis-store.ts";
import type { SessionStore } from "../../src/store/session-store.ts";
import { observeProcess } from "../support/observed-process.ts";
import { until } from "../support/redis-process.ts";
import { startRedisRelay } from "../support/redis-relay.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { untilHeard } from "./contract.ts";
import { addressOf } from "./fixtures.ts";

/** How long a call may take. Milliseconds. */
const timeout = 300;

/** What a busy machine may add to it. Milliseconds. */
const grace = 1500;

const closing: (() => unknown)[] = [];
const later = (close: () => unknown): void => void closing.push(close);
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function startServer(): Promise<RedisServer> {
  const server = await startRedisServer();
  later(() => server.close());
  return server;
}

function kept(store: SessionStore): SessionStore {
  later(() => store.close());
  return store;
}

/** Stores on one server, by every way in. */
const ways: Readonly<Record<string, (server: RedisServer) => SessionStore | Promise<SessionStore>>> = {
  "by URL": ({ url }) => kept(connectRedis(addressOf(url), { timeout })),
  "on an ioredis client": ({ port }) => {
    const client = new Redis(port);
    client.on("error", () => {});
    later(() => client.disconnect());
    return kept(createRedisStore(fromIoredis(client), { timeout }));
  },
  "on a node-redis client": async ({ url }) => {
    const client = createClient({ url });
    client.on("error", () => {});
    await client.connect();
    later(() => client.destroy());
    return kept(createRedisStore(fromNodeRedis(client), { timeout }));
  },
};

/** Asks everything there is; each has to be refused in time. */
async function expectRefusals(store: SessionStore): Promise<void> {
  const begin = Date.now();
  const write = { version: 0, readAt: begin, value: "1", keepFor: 1000 };
  const answers = await Promise.allSettled([
    store.read("s.1"),
    store.write("s.1", write),
    store.names("s."),
    store.publish("message"),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected", "rejected"]);
  expect(Date.now() - begin).toBeLessThan(timeout + grace);
}

const works = async (store: SessionStore): Promise<boolean> => (await store.read("s.1")).now > 0;

/** Publishes all the while, as nodes do, until a message comes back. */
async function untilMessagesCome(store: SessionStore): Promise<void> {
  const heard: string[] = [];
  const stop = store.subscribe((message) => void heard.push(message));
  await untilHeard(store, heard);
  stop();
}

describe.each(Object.entries(ways))("a store %s", (_, open) => {
  test("refuses in time while the server is silent, and goes on after it", async () => {
    const server = await startServer();
    const store = await open(server);
    const heard: string[] = [];
    store.subscribe((message) => void heard.push(message));
    await untilHeard(store, heard);
    server.pause();
    await expectRefusals(store);
    await expectRefusals(store);
    server.resume();
    await until("the store answers", () => works(store));
    heard.length = 0;
    await untilHeard(store, heard);
  });

  test("refuses in time while the server is gone, and goes on with the next one", async () => {
    const server = await startServer();
    const store = await open(server);
    const heard: string[] = [];
    store.subscribe((message) => void heard.push(message));
    await untilHeard(store, heard);
    await server.kill();
    await expectRefusals(store);
    await expectRefusals(store);
    await server.restart();
    await until("the store answers", () => works(store));
    heard.length = 0;
    await untilHeard(store, heard);
  });

  test("refuses at once when ten thousand calls wait already", async () => {
    const server = await startServer();
    const store = await open(server);
    await store.read("s.1");
    server.pause();
    const waiting = Promise.allSettled(Array.from({ length: 10_000 }, () => store.read("s.1")));
    await expect(store.read("s.1")).rejects.toThrow("has not answered the last 10000 calls");
    await waiting;
    server.resume();
    await until("the store answers", () => works(store));
  });
});

test("a store by URL that was made before its server works once that is there", async () => {
  const server = await startServer();
  await server.kill();
  const store = kept(connectRedis(addressOf(server.url), { timeout }));
  const heard: string[] = [];
  store.subscribe((message) => void heard.push(message));
  await expectRefusals(store);
  await server.restart();
  await until("the store answers", () => works(store));
  await untilHeard(store, heard);
});

test("a store that only listens hears again after the server was gone", async () => {
  const server = await startServer();
  const open = (): SessionStore => kept(connectRedis(addressOf(server.url), { timeout }));
  const [listens, speaks] = [open(), open()];
  const heard: string[] = [];
  listens.subscribe((message) => void heard.push(message));
  await untilHeard(speaks, heard);
  await server.kill();
  await expectRefusals(listens);
  await server.restart();
  await until("the store answers", () => works(speaks));
  heard.length = 0;
  await untilHeard(speaks, heard);
});

test("a store by URL leaves connections that hang, also the one that listens", async () => {
  const server = await startServer();
  const relay = await startRedisRelay(server.port);
  later(() => relay.close());
  const store = kept(connectRedis(addressOf(`redis://127.0.0.1:${relay.port}`), { timeout }));
  const heard: string[] = [];
  store.subscribe((message) => void heard.push(message));
  await untilHeard(store, heard);
  const before = relay.made;
  relay.hang();
  await expectRefusals(store);
  await until("the store answers", () => works(store));
  heard.length = 0;
  await untilHeard(store, heard);
  expect(relay.made).toBeGreaterThanOrEqual(before + 2);
});

test("a server that goes and comes leaves no rejection that nobody hears", async () => {
  const observed = observeProcess();
  later(() => observed.stop());
  const server = await startServer();
  const store = kept(connectRedis(addressOf(server.url), { timeout }));
  await untilMessagesCome(store);
  for (let round = 0; round < 3; round += 1) {
    store.subscribe(() => {});
    await server.kill();
    await expectRefusals(store);
    await server.restart();
    await until("the store answers", () => works(store));
  }
  await server.kill();
  await store.close();
  expect(observed.uncaught).toEqual([]);
});
