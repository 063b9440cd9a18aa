import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createManualClock } from "../../test/support/manual-clock.ts";
import { NodeStore, SharedMemoryStore } from "../../test/support/shared-memory-store.ts";
import { createSeal } from "../store/seal.ts";
import { Documents } from "./documents.ts";
import { agreeOnIndexKey, gateNameOf, indexNameOf } from "./index-key.ts";

const [one, two] = ["1".repeat(32), "2".repeat(32)];
const name = indexNameOf("https://tenant.example");

function setUp() {
  const clock = createManualClock();
  const core = new SharedMemoryStore(clock);
  const node = (...secrets: readonly [string, ...string[]]): Documents =>
    new Documents({
      store: new NodeStore(core),
      seal: createSeal(secrets),
      clock,
      timeout: 500,
      keepFor: 60_000,
      isRemote: true,
      changed: () => {},
      unreadable: () => {},
    });
  return { clock, core, node };
}

describe("agreeOnIndexKey", () => {
  test("is made once, however many nodes start at once", async () => {
    const { node, clock } = setUp();
    const agreed = await Promise.all(
      Array.from({ length: 12 }, () => agreeOnIndexKey(node(one), name, null)),
    );
    expect(new Set(agreed.map(({ key }) => key.toString("hex"))).size).toBe(1);
    expect(agreed[0]).toMatchObject({ createdAt: clock.now() });
    expect(agreed[0]?.key).toHaveLength(32);
  });

  test("is not written again by those who know it", async () => {
    const { node, core } = setUp();
    const mine = await agreeOnIndexKey(node(one), name, null);
    const before = core.dump().get(name);
    expect(await agreeOnIndexKey(node(one), name, mine)).toMatchObject({
      key: mine.key,
      createdAt: mine.createdAt,
    });
    expect(core.dump().get(name)).toBe(before);
  });

  test("is there for a node that starts years later", async () => {
    const { node, clock } = setUp();
    const mine = await agreeOnIndexKey(node(one), name, null);
    clock.advance(5 * 366 * 86_400_000);
    expect(await agreeOnIndexKey(node(one), name, null)).toMatchObject({
      key: mine.key,
      createdAt: mine.createdAt,
    });
  });

  test("survives a rotation of secrets, and is there for years after it too", async () => {
    const { node, clock } = setUp();
    const mine = await agreeOnIndexKey(node(one), name, null);
    expect(await agreeOnIndexKey(node(two, one), name, null)).toMatchObject({
      key: mine.key,
      createdAt: mine.createdAt,
    });
    clock.advance(366 * 86_400_000);
    expect(await agreeOnIndexKey(node(two), name, null)).toMatchObject({
      key: mine.key,
      createdAt: mine.createdAt,
    });
  });

  test("a node without its secret is refused with a reason, and overwrites nothing", async () => {
    const { node, core } = setUp();
    const mine = await agreeOnIndexKey(node(one), name, null);
    const before = core.dump().get(name);
    for (const known of [null, { key: randomBytes(32), createdAt: 0 }]) {
      await expect(agreeOnIndexKey(node(two), name, known)).rejects.toMatchObject({
        code: "QSP-STORE",
        reason: expect.stringContaining("cannot be read with this secret") as string,
      });
    }
    expect(core.dump().get(name)).toBe(before);
    expect(await agreeOnIndexKey(node(one), name, null)).toMatchObject({
      key: mine.key,
      createdAt: mine.createdAt,
    });
  });

  test("of two keys the older one wins, on both sides", async () => {
    const { node, core, clock } = setUp();
    const older = await agreeOnIndexKey(node(one), name, null);
    core.clear();
    clock.advance(1000);
    const newer = await agreeOnIndexKey(node(one), name, null);
    expect(newer).not.toMatchObject({ key: older.key, createdAt: older.createdAt });
    expect(await agreeOnIndexKey(node(one), name, older)).toMatchObject({
      key: older.key,
      createdAt: older.createdAt,
    });
    expect(await agreeOnIndexKey(node(one), name, newer)).toMatchObject({
      key: older.key,
      createdAt: older.createdAt,
    });
  });

  test("of two keys of the same age every node takes the same", async () => {
    const { node, core, clock } = setUp();
    const keys = [randomBytes(32), randomBytes(32)].map((key) => ({ key, createdAt: clock.now() }));
    const agreed = [];
    for (const order of [keys, [...keys].reverse()]) {
      core.clear();
      for (const each of order) await agreeOnIndexKey(node(one), name, each);
      agreed.push(await agreeOnIndexKey(node(one), name, null));
    }
    expect(agreed[0]).toEqual(agreed[1]);
  });

  test("tenants have names of their own, which do not show the tenant", () => {
    expect(name).toMatch(/^i\.[0-9a-f]{16}$/);
    expect(gateNameOf("https://tenant.example")).toMatch(/^g\.[0-9a-f]{16}$/);
    expect(indexNameOf("https://other.example")).not.toBe(name);
  });
});
