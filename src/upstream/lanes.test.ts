import { afterEach, expect, test } from "vitest";
import type { SessionProxyError } from "../errors.ts";
import { Lanes, type Connection } from "./lanes.ts";
import type { ConnectionWatch } from "./upstream-client.ts";
import { undiciClients } from "./undici-client.ts";

const made: Lanes[] = [];
afterEach(async () => {
  for (const lanes of made.splice(0)) await lanes.destroy();
});

/** Lanes whose clients never dial: a client connects with its first request only. */
function lanesOf(limits: { total: number; idleTotal: number }): Lanes {
  const timeouts = { connect: 1000, headers: 1000, bodyIdle: 1000 };
  const options = { origin: "http://127.0.0.1:9", trust: {}, timeouts, idle: 1000 };
  const lanes = new Lanes({ ...limits, laneWait: 60_000 }, undiciClients(options));
  made.push(lanes);
  return lanes;
}

interface Wish {
  connection: Connection | null;
  refusal: SessionProxyError | null;
  withdraw: () => void;
}

function wish(lanes: Lanes, key: string, width: number): Wish {
  const made: Wish = { connection: null, refusal: null, withdraw: () => {} };
  made.withdraw = lanes.acquire(key, width, {
    ready: (connection) => (made.connection = connection),
    refused: (error) => (made.refusal = error),
  });
  return made;
}

test("a connection that was given back is used again by its own lane, and never by another", () => {
  const lanes = lanesOf({ total: 9, idleTotal: 9 });
  const first = wish(lanes, "ann", 2);
  first.connection?.release();
  expect(wish(lanes, "bob", 2).connection?.client).not.toBe(first.connection?.client);
  expect(wish(lanes, "ann", 2).connection?.client).toBe(first.connection?.client);
});

test("who waits for a full lane is served in order, and who withdrew is not", () => {
  const lanes = lanesOf({ total: 9, idleTotal: 9 });
  const first = wish(lanes, "ann", 1);
  const [left, second] = [wish(lanes, "ann", 1), wish(lanes, "ann", 1)];
  left.withdraw();
  first.connection?.release();
  expect([left.connection, second.connection?.client]).toEqual([null, first.connection?.client]);
});

test("the connection unused longest gives way when there are too many", () => {
  const lanes = lanesOf({ total: 2, idleTotal: 2 });
  const [ann, bob] = [wish(lanes, "ann", 2), wish(lanes, "bob", 2)];
  ann.connection?.release();
  bob.connection?.release();
  expect(wish(lanes, "cid", 2).connection).not.toBeNull();
  expect([lanes.count, ann.connection?.client.destroyed, bob.connection?.client.destroyed]).toEqual([
    2,
    true,
    false,
  ]);
});

test("an end refuses everybody who waits, at once", async () => {
  const lanes = lanesOf({ total: 1, idleTotal: 1 });
  wish(lanes, "ann", 1);
  const waiting = [wish(lanes, "ann", 1), wish(lanes, "bob", 1)];
  await lanes.destroy();
  expect(waiting.map(({ refusal }) => refusal?.code)).toEqual(["QSP-BUSY", "QSP-BUSY"]);
  expect(wish(lanes, "cid", 1).refusal?.code).toBe("QSP-BUSY");
});

test("a lane whose last connection is lost while somebody waits for any place stays the lane of its key", () => {
  const watches: ConnectionWatch[] = [];
  const limits = { total: 2, idleTotal: 2, laneWait: 60_000 };
  const lanes = new Lanes(limits, (watch) => {
    watches.push(watch);
    return { destroyed: false, dispatch() {}, destroy: () => Promise.resolve() };
  });
  made.push(lanes);
  const [ann] = [wish(lanes, "ann", 2), wish(lanes, "bob", 2)];
  const waiting = wish(lanes, "ann", 2);
  watches[0]?.gone();
  ann?.connection?.release();
  expect(waiting.connection).not.toBeNull();
  waiting.connection?.release();
  expect(wish(lanes, "ann", 2).connection?.client).toBe(waiting.connection?.client);
});
