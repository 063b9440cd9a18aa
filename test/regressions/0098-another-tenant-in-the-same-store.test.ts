/*
 * Two tenants may keep their sessions in one store, sealed with one secret. The list of the one showed the sessions of the
 * other; and who ended one of those by its key through the wrong proxy had that send the cookies of one tenant to the other,
 * to sign the user out there.
 */
import { expect, test } from "vitest";
import { systemClock } from "../../src/kernel/clock.ts";
import { SharedMemoryStore } from "../support/shared-memory-store.ts";
import { startStack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test("each proxy lists and ends the sessions of its own tenant alone", async () => {
  const store = new SharedMemoryStore(systemClock);
  const proxy = { store, secret: "s".repeat(32) };
  const acme = started.keep(await startStack({ proxy }));
  const globex = started.keep(await startStack({ proxy }));
  for (const stack of [acme, globex]) expect((await stack.get("/api/v1/items")).status).toBe(200);
  const [ofAcme, ofGlobex] = [await acme.proxy.sessions.list(), await globex.proxy.sessions.list()];
  expect([ofAcme.length, ofGlobex.length]).toEqual([1, 1]);
  const [{ key } = { key: "" }] = ofAcme;
  expect(ofGlobex[0]?.key).not.toBe(key);

  globex.tenant.take();
  expect(await globex.proxy.sessions.revokeKey(key)).toBe(false);
  expect((await acme.get("/_session")).json()).toMatchObject({ active: true });
  expect(await acme.proxy.sessions.revokeKey(key)).toBe(true);
  expect((await acme.get("/_session")).json()).toMatchObject({ active: false });
  expect(globex.tenant.take()).toEqual([]);
});
