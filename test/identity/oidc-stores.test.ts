import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { logOutAtProvider } from "../support/logout-tokens.ts";
import { startOidcWorld } from "../support/oidc-world.ts";
import { startRedisServer } from "../support/redis-server.ts";

const secret = "a-secret-of-thirty-two-bytes-or-so";
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

test("who is signed in is so after a restart, with a store in a folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "qsp-oidc-"));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const proxy = { store: `file:${folder}`, secret };
  const world = await startOidcWorld(proxy);
  closing.push(() => world.close());
  const ann = world.browser();
  await ann.signIn("ann");
  await world.stack.proxy.close();
  const restarted = await world.addNode(proxy);
  expect((await ann.fetch("/qlik/_session", { at: restarted })).json()).toMatchObject({ subject: "ann" });
});

test("nodes over Redis know the same people, and forget them together", async () => {
  const redis = await startRedisServer();
  closing.push(() => redis.close());
  const proxy = { store: redis.url, secret, timeouts: { store: 10_000 } };
  const world = await startOidcWorld(proxy);
  closing.push(() => world.close());
  const other = await world.addNode(proxy);
  const ann = world.browser();
  // Begun at one node, finished at the other.
  const way = await ann.wayBack("ann");
  expect((await ann.open(way, { at: other })).status).toBe(200);
  for (const at of [world.stack, other])
    expect((await ann.fetch("/qlik/api/v1/items?limit=2", { at })).status).toBe(200);
  const socket = await ann.socket("/app/engineData", other);
  await socket.message();
  await logOutAtProvider(ann, world.provider);
  expect((await socket.closed).code).toBe(4203);
  expect(world.provider.backChannel).toEqual([200]);
  for (const at of [world.stack, other])
    expect((await ann.fetch("/qlik/api/v1/items?limit=2", { at })).status).toBe(401);
});
