import { describe, expect, test } from "vitest";
import { createManualClock } from "../../test/support/manual-clock.ts";
import { settle } from "../../test/support/session-nodes.ts";
import { NodeStore, SharedMemoryStore } from "../../test/support/shared-memory-store.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { createSeal } from "../store/seal.ts";
import { Documents } from "./documents.ts";

const timeout = 500;
const keepFor = 60_000;
const [oldSecret, newSecret] = ["o".repeat(32), "n".repeat(32)];

function setUp(secrets: readonly [string, ...string[]] = [oldSecret]) {
  const clock = createManualClock();
  const core = new SharedMemoryStore(clock);
  const unreadable: string[] = [];
  const changes: boolean[] = [];
  const node = (of: readonly [string, ...string[]] = secrets) => {
    const store = new NodeStore(core);
    const documents = new Documents({
      store,
      seal: createSeal(of),
      clock,
      timeout,
      keepFor,
      isRemote: true,
      changed: (isReachable) => changes.push(isReachable),
      unreadable: (name) => unreadable.push(name),
    });
    return { store, documents };
  };
  return { clock, core, unreadable, changes, node, ...node() };
}

/** What a promise is rejected with; caught at once, so that it is never unhandled. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

const append = (documents: Documents, word: string, name = "s.x"): Promise<string> =>
  documents.change(name, ({ text }) => {
    const next = (text ?? "") + word;
    return { text: next, outcome: next };
  });

describe("Documents: changes", () => {
  test("what is written is sealed, and is read again with its version", async () => {
    const { documents, core } = setUp();
    await append(documents, "secret subject");
    expect(core.dump().get("s.x")?.value).not.toContain("secret");
    expect(await documents.read("s.x")).toMatchObject({
      text: "secret subject",
      isOldSeal: false,
      offset: 0,
    });
    expect(await documents.read("s.none")).toMatchObject({ text: null, version: 0 });
  });

  test("who was slower is asked again, with what the faster one wrote", async () => {
    const { node, documents } = setUp();
    const others = Array.from({ length: 9 }, () => node().documents);
    await Promise.all([documents, ...others].map((each, index) => append(each, String(index))));
    const { text } = await documents.read("s.x");
    expect((text ?? "").split("").sort().join("")).toBe("0123456789");
  });

  test("without a text nothing is written", async () => {
    const { documents, store } = setUp();
    expect(await documents.change("s.x", () => ({ outcome: 7 }))).toBe(7);
    expect(store.writes).toBe(0);
  });

  test("one that always loses gives up, and says so", async () => {
    const { documents, node, core, clock } = setUp();
    const other = node().documents;
    const losing = documents.change("s.x", () => {
      void core
        .read("s.x")
        .then(({ version, now }) => core.write("s.x", { version, readAt: now, value: "x", keepFor: 1000 }));
      return { text: "mine", outcome: null };
    });
    await expect(losing).rejects.toMatchObject({ code: "QSP-STORE", retryAfter: 1 });
    expect(documents.downSince).toBeNull();
    clock.advance(2000);
    await expect(append(other, "free")).resolves.toBe("free");
  });

  test("a document is kept as long as usual, or as the step says if that is longer", async () => {
    const { documents, core, clock } = setUp();
    await documents.change("s.short", () => ({ text: "x", outcome: null, keepFor: 10 }));
    await documents.change("s.long", () => ({ text: "x", outcome: null, keepFor: 2 * keepFor }));
    clock.advance(keepFor - 1);
    expect(await core.names("s.")).toEqual(["s.short", "s.long"]);
    clock.advance(1);
    expect(await core.names("s.")).toEqual(["s.long"]);
    clock.advance(keepFor);
    expect(await core.names("s.")).toEqual([]);
  });

  test("a fault in a step is the step's own, and not taken for the store's", async () => {
    const { documents, changes } = setUp();
    const failing = documents.change("s.x", () => {
      throw new RangeError("mine");
    });
    await expect(failing).rejects.toThrow(RangeError);
    expect([documents.downSince, changes]).toEqual([null, []]);
  });
});

describe("Documents: what cannot be read", () => {
  test.each<[string, string]>([
    ["garbage", "garbage"],
    ["another form", "q9.aaaaaaaaaaaa.AAAA"],
    ["another document's text", createSeal([oldSecret]).seal("s.other", "text")],
    ["an unknown secret", createSeal(["u".repeat(32)]).seal("s.x", "text")],
    ["a changed text", createSeal([oldSecret]).seal("s.x", "text").replace(/.{3}$/, "AAA")],
  ])("%s is told of and counts as none; the others are untouched", async (_, value) => {
    const { documents, core, unreadable, clock } = setUp();
    await append(documents, "fine", "s.y");
    await core.write("s.x", { version: 0, readAt: clock.now(), value, keepFor: 1000 });
    const reading = await documents.read("s.x");
    expect(reading.text).toBeNull();
    expect(reading.version).toBeGreaterThan(0);
    expect(unreadable).toEqual(["s.x"]);
    expect(await append(documents, "new")).toBe("new");
    expect([(await documents.read("s.x")).text, (await documents.read("s.y")).text]).toEqual(["new", "fine"]);
  });

  test("what an old secret sealed is read, and sealed anew by whoever looks at it next", async () => {
    const { documents, node, core } = setUp();
    await append(documents, "kept");
    const before = core.dump().get("s.x")?.value;
    const rotated = node([newSecret, oldSecret]);
    expect(await rotated.documents.change("s.x", ({ text }) => ({ outcome: text }))).toBe("kept");
    expect(core.dump().get("s.x")?.value).not.toBe(before);
    const fresh = node([newSecret]);
    expect(await fresh.documents.read("s.x")).toMatchObject({ text: "kept", isOldSeal: false });
    await rotated.documents.change("s.x", ({ text }) => ({ outcome: text }));
    expect(rotated.store.writes).toBe(1);
  });
});

describe("Documents: a store that does not answer", () => {
  test("a call takes no longer than its time, then the store is known to be down", async () => {
    const { documents, store, clock, changes } = setUp();
    store.isHanging = true;
    const failed = failureOf(documents.read("s.x"));
    await settle();
    clock.advance(timeout - 1);
    await settle();
    expect(changes).toEqual([]);
    clock.advance(1);
    expect(await failed).toMatchObject({
      code: "QSP-STORE",
      reason: "the session store: no answer in 500 ms",
    });
    expect([documents.downSince, changes]).toEqual([clock.now(), [false]]);
  });

  test("a refusal is told once, with the first line of its reason", async () => {
    const { documents, store, changes } = setUp();
    store.isDown = true;
    await expect(documents.probe("read", () => store.read("s.x"))).rejects.toMatchObject({
      code: "QSP-STORE",
      reason: "the session store: connection refused",
    });
    await expect(documents.probe("read", () => store.read("s.x"))).rejects.toMatchObject({
      code: "QSP-STORE",
    });
    expect(changes).toEqual([false]);
  });

  test("while it is down, calls wait for its return and are made then", async () => {
    const { documents, store, clock, changes } = setUp();
    store.isDown = true;
    await expect(documents.read("s.x")).rejects.toMatchObject({ code: "QSP-STORE" });
    store.isDown = false;
    const before = store.reads;
    const waiting = append(documents, "late");
    await settle();
    clock.advance(timeout - 1);
    await settle();
    expect(store.reads).toBe(before);
    await documents.probe("read", () => store.read("s.x"));
    await expect(waiting).resolves.toBe("late");
    expect([documents.downSince, documents.isSound, changes]).toEqual([null, false, [false]]);
    // It is told of when nothing has failed for a second: one that fails in part is not back.
    clock.advance(1000);
    expect([documents.isSound, changes]).toEqual([true, [false, true]]);
  });

  test("they wait no longer than one call may take, and do not ask the store at all", async () => {
    const { documents, store, clock } = setUp();
    store.isDown = true;
    await expect(documents.read("s.x")).rejects.toMatchObject({ code: "QSP-STORE" });
    const before = store.reads;
    const failed = failureOf(documents.read("s.x"));
    await settle();
    clock.advance(timeout);
    expect(await failed).toMatchObject({ code: "QSP-STORE" });
    expect(store.reads).toBe(before);
  });

  test("an answer that comes too late, good or bad, disturbs nobody", async () => {
    const { documents, clock } = setUp();
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on("unhandledRejection", note);
    let fail: (error: Error) => void = () => {};
    const failed = failureOf(documents.probe("read", () => new Promise((_, reject) => (fail = reject))));
    clock.advance(timeout);
    expect(await failed).toMatchObject({ code: "QSP-STORE" });
    fail(new Error("too late"));
    await settle();
    process.off("unhandledRejection", note);
    expect(rejections).toEqual([]);
    expect(documents.downSince).not.toBeNull();
  });

  test("a store in this process has no limit on time: it answers or it is broken", async () => {
    const clock = createManualClock();
    const store = new MemoryStore(clock);
    const ignore = (): void => {};
    const documents = new Documents({
      store,
      clock,
      timeout,
      keepFor,
      isRemote: false,
      changed: ignore,
      unreadable: ignore,
      seal: createSeal([oldSecret]),
    });
    let finish: (text: string) => void = () => {};
    const answer = documents.ask("read", () => new Promise<string>((resolve) => (finish = resolve)));
    clock.advance(60_000);
    await settle();
    finish("done");
    await expect(answer).resolves.toBe("done");
  });
});
