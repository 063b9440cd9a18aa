import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRandom } from "../../src/emulator/engine/random.ts";
import { eventually } from "../support/assertions.ts";
import { startServedProxy, type ServedProxy } from "../support/served-proxy.ts";
import { answerOf, type BulkClient, createBulkClient, hashOf } from "./bulk-client.ts";
import { bulkOf, startBulkTenant, type BulkTenant } from "./bulk-tenant.ts";
import { figure, seconds } from "./figure.ts";
import { namesOf } from "./known-users.ts";
import { holdingsOf, type ProcessHoldings } from "./process-holdings.ts";
import { longestProof, proofNumber } from "./proof-size.ts";

/*
 * Whatever is moved, and whoever does not take it: the standalone server holds no body, and no socket's messages.
 */

const mebibyte = 1024 * 1024;
const bulk = 50 * mebibyte;

/**
 * How much more it may take for large bodies than for small ones. What a proxy that held bodies would go beyond at once: more
 * than three times as much is under way in each of these.
 */
const room = 75 * mebibyte;

/** What it may take for small bodies, so that one that holds those does not pass for their price, and at rest behind them. */
const most = 200 * mebibyte;

const users = namesOf(8);
const four = users.slice(0, 4);

/**
 * How long small bodies move both ways, before anything is compared with what they take. V8 collects what was read and let go
 * when it sees fit, whatever the size of the bodies. docs/decisions/0003-node-floor.md. Milliseconds.
 */
const warming = 2000;

/** A browser that leaves while its tenant takes nothing is noticed by the silence only. */
const more = `
timeouts: { socketIdle: 8s }
upstream: { idle: 1s }
`;

let tenant: BulkTenant;
let proxy: ServedProxy;
let client: BulkClient;
let memory: ProcessHoldings;
let atRest = 0;
let withSmallBodies = 0;
let socketsAtRest = 0;

beforeAll(async () => {
  tenant = await startBulkTenant();
  proxy = await startServedProxy({ tenantOrigin: tenant.origin, more });
  client = createBulkClient(proxy);
  memory = holdingsOf(proxy.command.pid);
  memory.forget();
  const warm = performance.now() + warming;
  while (performance.now() < warm)
    await Promise.all(
      users.flatMap((user) => [client.download(user, 2 * mebibyte), client.upload(user, 2 * mebibyte)]),
    );
  withSmallBodies = memory.peak();
  // Unused connections are kept for upstream.idle, a second here.
  while (tenant.connections() > 0) await sleep(20);
  atRest = memory.resident();
  socketsAtRest = memory.sockets();
});

afterAll(async () => {
  await proxy?.close();
  await tenant?.close();
});

const shown = (bytes: number): string => `${Math.round(bytes / mebibyte)} MiB`;

/** Does something and prints what it took; every connection that it opened is gone afterwards. */
async function measured(what: string, work: () => Promise<void>): Promise<void> {
  memory.forget();
  await work();
  const peak = memory.peak();
  await expect.poll(() => memory.sockets(), { timeout: 20_000 }).toBe(socketsAtRest);
  figure(`memory, ${what}`, {
    "at rest": shown(atRest),
    "small bodies": shown(withSmallBodies),
    peak: shown(peak),
    after: shown(memory.resident()),
  });
  expect(atRest).toBeLessThan(most);
  expect(withSmallBodies).toBeLessThan(most);
  expect(peak).toBeLessThan(withSmallBodies + room);
}

/** Waits until nothing moves any more: the buffers between are full. */
async function untilStill(count: () => number): Promise<void> {
  await eventually(() => expect(count()).toBeGreaterThan(0));
  for (let before = -1; before !== count(); await sleep(500)) before = count();
}

test(
  "four downloads and four uploads of 50 MiB at once arrive whole, and are never held",
  async () => {
    const expected = await hashOf(bulkOf(bulk));
    await measured("4 x 50 MiB down and up at once", async () => {
      const [hashes, statuses] = await Promise.all([
        Promise.all(four.map((user) => client.download(user, bulk))),
        Promise.all(four.map((user) => client.upload(user, bulk))),
      ]);
      expect(hashes).toEqual(four.map(() => expected));
      expect(statuses).toEqual(four.map(() => 204));
      expect(tenant.uploads.slice(-four.length)).toEqual(four.map(() => expected));
    });
  },
  longestProof,
);

test(
  "forty browsers that do not read their 50 MiB hold them up at the tenant",
  async () => {
    await measured("40 stalled readers of 50 MiB", async () => {
      const requests = users.flatMap((user) =>
        [1, 2, 3, 4, 5].map(() => client.begin(user, "GET", `/api/v1/items?size=${bulk}`)),
      );
      const answers = requests.map(answerOf);
      for (const request of requests) request.end();
      await Promise.all(answers);
      await untilStill(tenant.bodyBytes);
      for (const request of requests) request.on("error", () => {}).destroy();
    });
  },
  longestProof,
);

test(
  "a tenant that floods sockets whose browsers do not read is held up",
  async () => {
    await measured("40 sockets flooded by the tenant", async () => {
      const sockets = users.flatMap((user) =>
        [1, 2, 3, 4, 5].map((place) => client.openDeaf(user, `${place}-flood`)),
      );
      await expect.poll(() => tenant.sockets(), { timeout: 10_000 }).toBe(sockets.length);
      await untilStill(tenant.socketBytes);
      for (const socket of sockets) socket.destroy();
    });
  },
  longestProof,
);

test(
  "browsers that flood sockets which the tenant does not read are held up",
  async () => {
    await measured("40 sockets flooded by browsers", async () => {
      let wrote = 0;
      const sockets = users.flatMap((user) =>
        [1, 2, 3, 4, 5].map((place) => client.openDeaf(user, `${place}-deaf`)),
      );
      await expect.poll(() => tenant.sockets(), { timeout: 10_000 }).toBe(sockets.length);
      // A masked message of a size that the frame tracker believes, and then bytes without an end.
      const head = Buffer.from([0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
      const piece = Buffer.alloc(64 * 1024);
      for (const socket of sockets) {
        socket.write(head);
        const write = (): void => {
          while (socket.writable) {
            wrote += piece.length;
            if (!socket.write(piece)) break;
          }
        };
        socket.on("drain", write);
        write();
      }
      await untilStill(() => wrote);
      for (const socket of sockets) socket.destroy();
    });
  },
  longestProof,
);

const duration = proofNumber("minutes", 0.25) * 60_000;

/** What is resident in each tenth of the time, so that a slow growth can be seen. */
async function residentUntil(until: number): Promise<string> {
  const seen: number[] = [];
  while (performance.now() < until) {
    await sleep(Math.min(duration / 10, Math.max(0, until - performance.now())));
    seen.push(Math.round(memory.resident() / mebibyte));
  }
  return `${seen.join(" ")} MiB`;
}

/** As many connections as a session may have, for each user at once: a place that was not given back would be missing. */
async function placesOf(each: number): Promise<number> {
  const requests = users.flatMap((user) =>
    Array.from({ length: each }, () => client.begin(user, "GET", `/api/v1/items?size=${bulk}`)),
  );
  const refused: string[] = [];
  for (const request of requests) {
    request.on("error", ({ message }) => refused.push(message));
    request.on("response", ({ statusCode }) => statusCode === 200 || refused.push(`${statusCode}`));
    request.end();
  }
  // Each has a connection from its browser and one to the tenant.
  const held = (): number => (memory.sockets() - socketsAtRest) / 2;
  const seen = (): object => ({ held: held(), refused });
  await expect.poll(seen, { timeout: 20_000 }).toEqual({ held: requests.length, refused: [] });
  for (const request of requests) request.destroy();
  await expect.poll(held, { timeout: 20_000 }).toBe(0);
  return requests.length;
}

test(
  `after ${seconds(duration)} of bodies and sockets that are broken off, everything is given back`,
  async () => {
    const random = createRandom(1);
    const until = performance.now() + duration;
    let [done, broken] = [0, 0];
    const leaveSoon = async (leave: () => void): Promise<void> => {
      await sleep(random.next() * 40);
      leave();
      broken += 1;
    };
    const works: readonly ((user: string) => Promise<unknown>)[] = [
      (user) => client.download(user, 20_000),
      (user) => client.download(user, 2 * mebibyte),
      (user) => client.upload(user, 200_000),
      (user) => {
        const request = client.begin(user, "GET", `/api/v1/items?size=${bulk}`);
        request.on("error", () => {}).end();
        return leaveSoon(() => request.destroy());
      },
      (user) => {
        const request = client.begin(user, "POST", "/api/v1/echo/x", { "content-length": "1000000" });
        request.on("error", () => {}).write("half");
        return leaveSoon(() => request.destroy());
      },
      (user) => {
        const socket = client.openDeaf(user, random.next() < 0.5 ? "flood" : "deaf");
        return leaveSoon(() => socket.resetAndDestroy());
      },
    ];
    const work = async (user: string): Promise<void> => {
      while (performance.now() < until) {
        await works[Math.floor(random.next() * works.length)]?.(user);
        done += 1;
      }
    };
    let resident = "";
    await measured(`${seconds(duration)} of mixed load with aborts`, async () => {
      [resident] = await Promise.all([residentUntil(until), ...[...users, ...users].map(work)]);
    });
    figure("mixed load with aborts", {
      done,
      "broken off": broken,
      "open sockets": memory.sockets(),
      "at rest": socketsAtRest,
      "places after it": await placesOf(6),
      of: users.length * 6,
      "resident in each tenth": resident,
    });
    expect(broken).toBeGreaterThan(0);
    expect((await proxy.ask("/api/v1/items?size=5", { user: users[0] ?? null })).status).toBe(200);
  },
  duration + longestProof,
);
