import { describe, expect, test } from "vitest";
import { createManualClock } from "../../test/support/manual-clock.ts";
import { settle } from "../../test/support/session-nodes.ts";
import { NodeStore, SharedMemoryStore } from "../../test/support/shared-memory-store.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { createSeal } from "../store/seal.ts";
import { Bus, type Notice } from "./bus.ts";

const secret = "s".repeat(32);
const changed: Notice = { kind: "changed", key: "k".repeat(64), version: 1 };

interface Doubt {
  readonly soundSince: number;
  readonly lastHeardAt: number;
}

function setUp() {
  const clock = createManualClock();
  const core = new SharedMemoryStore(clock);
  const start = (key = secret) => {
    const store = new NodeStore(core);
    const heard: Notice[] = [];
    const doubts: Doubt[] = [];
    const told = { trusted: 0 };
    const bus = new Bus({
      store,
      seal: createSeal([key]),
      clock,
      ask: (call) => call(),
      hear: (notice) => void heard.push(notice),
      doubted: (soundSince, lastHeardAt) => void doubts.push({ soundSince, lastHeardAt }),
      trusted: () => void (told.trusted += 1),
    });
    bus.start();
    return { bus, store, heard, doubts, told };
  };
  const pass = async (ms: number): Promise<void> => {
    await settle();
    for (let passed = 0; passed < ms; passed += 50) {
      clock.advance(50);
      await settle();
    }
  };
  return { clock, core, start, pass };
}

describe("Bus: what is heard", () => {
  test("every node hears what one tells, that one included", async () => {
    const { start, pass } = setUp();
    const [a, b] = [start(), start()];
    await pass(100);
    await a.bus.tell(changed);
    expect([a.heard, b.heard]).toEqual([[changed], [changed]]);
  });

  test("what was sealed with another secret is ignored, as if it had not come", async () => {
    const { start, pass } = setUp();
    const [a, stranger] = [start(), start("x".repeat(32))];
    await pass(100);
    a.store.isMute = true;
    await stranger.bus.tell(changed);
    await pass(2000);
    expect(a.heard).toEqual([]);
    expect(a.bus.soundSince).toBeNull();
  });

  test.each(["", "garbage", "{}", "q1.a.b", "null"])("the message %j is ignored", async (message) => {
    const { core, start, pass } = setUp();
    const a = start();
    await pass(100);
    await core.publish(message);
    await pass(1000);
    expect([a.heard, a.doubts]).toEqual([[], []]);
  });

  test("a text of another place does not pass for a message", async () => {
    const { core, start, pass } = setUp();
    const a = start();
    await pass(100);
    const text = JSON.stringify({ node: "n", sequence: 1, notice: changed, isLast: false });
    await core.publish(createSeal([secret]).seal("s.x", text));
    expect(a.heard).toEqual([]);
  });

  test("nothing is heard or sent after the stop", async () => {
    const { start, pass } = setUp();
    const [a, b] = [start(), start()];
    await pass(500);
    a.bus.stop();
    await b.bus.tell(changed);
    await pass(3000);
    expect(a.heard).toEqual([]);
    expect(b.doubts).toEqual([]);
  });

  test("a store of one process carries nothing, and nothing can be lost", async () => {
    const clock = createManualClock();
    const store = new MemoryStore(clock);
    const heard: unknown[] = [];
    const ignore = (): void => {};
    const bus = new Bus({
      store,
      clock,
      doubted: ignore,
      trusted: ignore,
      seal: createSeal([secret]),
      ask: (call) => call(),
      hear: (notice) => void heard.push(notice),
    });
    bus.start();
    await bus.tell(changed);
    clock.advance(10_000);
    expect(heard).toEqual([]);
    expect(bus.soundSince).not.toBeNull();
  });
});

describe("Bus: what may have been lost", () => {
  test("beats keep it sound from the first message on", async () => {
    const { clock, start, pass } = setUp();
    const a = start();
    expect(a.bus.soundSince).toBeNull();
    await settle();
    const from = clock.now();
    await pass(10_000);
    expect([a.bus.soundSince, a.doubts, a.told.trusted]).toEqual([from, [], 1]);
  });

  test("a new node that is heard from its first message is no reason for doubt", async () => {
    const { start, pass } = setUp();
    const a = start();
    await pass(2000);
    start();
    await pass(2000);
    expect(a.doubts).toEqual([]);
  });

  test("a node whose first messages were missed is one", async () => {
    const { start, pass } = setUp();
    const a = start();
    await pass(1000);
    a.store.isDeaf = true;
    start();
    await pass(100);
    a.store.isDeaf = false;
    await pass(1000);
    expect(a.doubts).toHaveLength(1);
  });

  test("a lost message is noticed with the next one of its node, and sound is what comes after", async () => {
    const { clock, start, pass } = setUp();
    const [a, b] = [start(), start()];
    await pass(1000);
    const before = a.bus.soundSince;
    a.store.isDeaf = true;
    await b.bus.tell(changed);
    a.store.isDeaf = false;
    await pass(300);
    expect(a.doubts).toHaveLength(1);
    expect(a.doubts[0]?.soundSince).toBe(before);
    expect(a.told.trusted).toBe(2);
    expect(clock.now() - (a.bus.soundSince ?? 0)).toBeLessThanOrEqual(300);
    expect(b.doubts).toEqual([]);
    await pass(2000);
    expect(a.doubts).toHaveLength(1);
  });

  test("a second of silence is a cut, told with when it was last sound, and ends with the next message", async () => {
    const { clock, start, pass } = setUp();
    const a = start();
    await pass(900);
    const heardAt = clock.now();
    a.store.isDeaf = true;
    await pass(1000);
    expect(a.doubts).toEqual([]);
    await pass(350);
    expect(a.doubts).toHaveLength(1);
    expect(a.doubts[0]?.lastHeardAt).toBeLessThanOrEqual(heardAt);
    expect(a.bus.soundSince).toBeNull();
    a.store.isDeaf = false;
    await pass(300);
    expect(a.bus.soundSince).not.toBeNull();
    expect(a.told.trusted).toBe(2);
  });

  test("a process that was paused knows it before any timer of it ran", async () => {
    const { clock, start, pass } = setUp();
    const a = start();
    await pass(1000);
    a.bus.stop();
    clock.advance(1001);
    expect(a.bus.soundSince).toBeNull();
  });

  test("one node that falls silent is a reason for doubt, though the others go on", async () => {
    const { start, pass } = setUp();
    const [a, b] = [start(), start()];
    start();
    await pass(1000);
    b.store.isMute = true;
    await pass(1500);
    expect(a.doubts).toHaveLength(1);
    // It may be cut off from this node only; after a while it is taken for dead.
    await pass(8000);
    expect(a.bus.soundSince).toBeNull();
    await pass(4000);
    expect(a.bus.soundSince).not.toBeNull();
    expect(a.doubts).toHaveLength(1);
    b.store.isMute = false;
    await pass(500);
    expect(a.doubts).toHaveLength(2);
  });

  test("messages that come twice, late or out of order are no loss that was not one", async () => {
    const { core, start, pass } = setUp();
    const messages: string[] = [];
    const a = start();
    const stop = core.subscribe((message) => void messages.push(message));
    const b = start();
    await pass(1000);
    stop();
    for (const message of [...messages].reverse()) await core.publish(message);
    await pass(1000);
    expect([a.doubts, b.doubts]).toEqual([[], []]);
  });

  test("two messages that change places are taken for a gap, and do no harm", async () => {
    const { start, core, pass } = setUp();
    const a = start();
    await pass(500);
    const seal = createSeal([secret]);
    const said = (sequence: number) =>
      seal.seal("bus", JSON.stringify({ node: "n", sequence, notice: changed, isLast: false }));
    for (const sequence of [1, 3, 2, 4]) await core.publish(said(sequence));
    expect(a.heard).toHaveLength(4);
    expect(a.doubts).toHaveLength(1);
    expect(a.bus.soundSince).not.toBeNull();
  });

  test("a store that refuses beats is a silence, and no error", async () => {
    const { start, pass } = setUp();
    const a = start();
    await pass(500);
    a.store.isDown = true;
    await pass(1500);
    expect(a.doubts).toHaveLength(1);
    await expect(a.bus.tell(changed)).rejects.toThrow("connection refused");
    a.store.isDown = false;
    await pass(500);
    expect(a.bus.soundSince).not.toBeNull();
  });
});
