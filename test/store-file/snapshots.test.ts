import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FileStore } from "../../src/store/file-store.ts";
import { createStoreFolder, put, type StoreFolder, valueOf } from "./store-folder.ts";

const minute = 60_000;

let folder: StoreFolder;
beforeEach(() => {
  folder = createStoreFolder();
});
afterEach(() => folder.remove());

/** Waits until something is so; generous, since a disk may be slow. */
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 15_000, interval: 5 });

const inodeOf = (name: string): number => statSync(folder.file(name)).ino;

describe("a restart", () => {
  test("keeps documents, their versions and their ends", async () => {
    const before = folder.open();
    await put(before, "s.one", "first");
    await put(before, "s.one", 'second "\\ü\u2028🙂');
    await put(before, "s.short", "short", 5000);
    const kept = await before.read("s.one");
    await before.close();

    folder.clock.advance(4000);
    const after = folder.open();
    expect(await after.read("s.one")).toEqual({ ...kept, now: kept.now + 4000 });
    expect(await valueOf(after, "s.short")).toBe("short");
    folder.clock.advance(1000);
    expect(await valueOf(after, "s.short")).toBeNull();
    expect(await after.names("s.")).toEqual(["s.one"]);
  });

  test("takes no write that was read before another", async () => {
    const before = folder.open();
    await put(before, "s.one", "first");
    const { version, now } = await before.read("s.one");
    await put(before, "s.one", "second");
    await before.close();
    const after = folder.open();
    const write = { version, readAt: now, value: "late", keepFor: minute };
    expect(await after.write("s.one", write)).toMatchObject({ written: false });
    expect(await valueOf(after, "s.one")).toBe("second");
  });

  test("forgets what was over in the meantime", async () => {
    const before = folder.open();
    await put(before, "s.short", "short", 5000);
    await put(before, "s.long", "long");
    await before.close();
    folder.clock.advance(5000);
    expect(folder.open().size).toBe(1);
  });

  test("after an end without documents begins empty", async () => {
    await folder.open().close();
    expect(await folder.open().names("")).toEqual([]);
    expect(folder.events).toEqual([]);
  });
});

describe("snapshots", () => {
  test("are written every minute in which something changed, and in no other", async () => {
    const store = folder.open();
    folder.clock.advance(minute);
    await store.flush();
    expect(readdirSync(folder.path)).toEqual(["lock"]);

    await put(store, "s.one", "first");
    folder.clock.advance(minute - 1);
    expect(readdirSync(folder.path)).toEqual(["lock"]);
    folder.clock.advance(1);
    await until(() => expect(readFileSync(folder.file("snapshot"), "utf8")).toContain("first"));

    const first = inodeOf("snapshot");
    folder.clock.advance(minute);
    await store.flush();
    expect(inodeOf("snapshot")).toBe(first);

    await put(store, "s.one", "second");
    folder.clock.advance(minute);
    await until(() => expect(readFileSync(folder.file("snapshot"), "utf8")).toContain("second"));
  });

  test("are not written for a write that was refused", async () => {
    const store = folder.open();
    await put(store, "s.one", "first");
    await store.flush();
    const first = inodeOf("snapshot");
    await store.write("s.one", { version: 1, readAt: folder.clock.now(), value: "late", keepFor: minute });
    await store.flush();
    expect(inodeOf("snapshot")).toBe(first);
  });

  test("are for their owner only, the folder too", async () => {
    const store = folder.open();
    await put(store, "s.one", "first");
    await store.flush();
    const modes = [".", "lock", "snapshot"].map((name) => statSync(folder.file(name)).mode & 0o777);
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });

  test("leave requests their turn while a hundred thousand documents are written", async () => {
    let readInThisTurn = 0;
    let mostReadInATurn = 0;
    /** Counts how many of its documents are written down before others have their turn. */
    class CountedStore extends FileStore {
      fill(count: number): void {
        const value = "x".repeat(300);
        for (let index = 0; index < count; index += 1) {
          this.documents.set(`s.${index}`, {
            version: 1,
            until: Number.MAX_SAFE_INTEGER,
            get value() {
              readInThisTurn += 1;
              mostReadInATurn = Math.max(mostReadInATurn, readInThisTurn);
              return value;
            },
          });
        }
      }
    }
    const { path, clock } = folder;
    const store = new CountedStore({ folder: path, clock, onEvent: () => {} });
    store.fill(100_000);
    await put(store, "s.one", "first");

    let isDone = false;
    const takeTurns = (): void => {
      readInThisTurn = 0;
      if (!isDone) setImmediate(takeTurns);
    };
    setImmediate(takeTurns);
    await store.close();
    isDone = true;
    // A slice is 256 Ki characters, and a line here more than 300.
    expect(mostReadInATurn).toBeGreaterThan(1);
    expect(mostReadInATurn).toBeLessThan(1000);
    expect(folder.open().size).toBe(100_001);
  });

  test("at the end hold what was written while the last one was under way", async () => {
    const store = folder.open();
    await put(store, "s.one", "first");
    const flushed = store.flush();
    const { version, now } = await store.read("s.one");
    void store.write("s.one", { version, readAt: now, value: "second", keepFor: minute });
    await Promise.all([store.close(), flushed]);
    expect(await valueOf(folder.open(), "s.one")).toBe("second");
  });

  test("hold every write that was not refused, also those during the end", async () => {
    const store = folder.open();
    await put(store, "s.one", "first");
    const { version, now } = await store.read("s.one");
    const closed = store.close();
    const write = { version, readAt: now, value: "late", keepFor: minute };
    await expect(store.write("s.one", write)).rejects.toThrow("closed");
    await closed;
    expect(await valueOf(folder.open(), "s.one")).toBe("first");
  });

  test("are not written after the end, when the folder may be another's", async () => {
    const store = folder.open();
    await put(store, "s.one", "first");
    await store.close();
    const next = folder.open();
    await put(next, "s.one", "second");
    await next.flush();
    const last = inodeOf("snapshot");
    await store.flush();
    await store.close();
    expect(inodeOf("snapshot")).toBe(last);
    expect(() => folder.open()).toThrow("has it already");
  });
});

describe("a damaged snapshot", () => {
  const whole = async (): Promise<Buffer> => {
    const store = folder.open();
    for (const name of ["s.one", "s.two", "s.three"]) await put(store, name, `value of ${name}`);
    await store.close();
    return readFileSync(folder.file("snapshot"));
  };

  const damage: readonly (readonly [string, (bytes: Buffer) => Buffer | string])[] = [
    ["that is empty", () => ""],
    ["that is something else", () => "Never gonna give you up\n"],
    ["that is another JSON", () => '{"form":"of another program"}\n{"documents":0}\n'],
    ["of a later form", (bytes) => bytes.toString().replace("snapshot 1", "snapshot 2")],
    ["that was cut off in a line", (bytes) => bytes.subarray(0, bytes.length - 40)],
    ["that was cut off between lines", (bytes) => bytes.subarray(0, bytes.lastIndexOf("\n", -2) + 1)],
    ["with a changed value", (bytes) => bytes.toString().replace("value of s.two", "value of s.2wo")],
    ["with another digest", (bytes) => bytes.toString().replace(/"sha256":"./, '"sha256":"-')],
    ["with zeros at its end", (bytes) => Buffer.concat([bytes, Buffer.alloc(4096)])],
    ["that is zeros", (bytes) => Buffer.alloc(bytes.length)],
  ];
  test.each(damage)("%s is set aside, and the store begins empty", async (_what, change) => {
    const bytes = change(await whole());
    writeFileSync(folder.file("snapshot"), bytes);

    const store = folder.open();
    expect(await store.names("")).toEqual([]);
    expect(folder.events).toEqual([
      { event: "store.damaged", level: "warn", reason: expect.stringContaining("it is now") as string },
    ]);
    const aside = readdirSync(folder.path).find((name) => name.startsWith("snapshot.damaged-")) ?? "";
    expect(folder.events[0]?.reason).toContain(aside);
    expect(readFileSync(folder.file(aside))).toEqual(Buffer.from(bytes));

    await put(store, "s.new", "new");
    await store.close();
    expect(await valueOf(folder.open(), "s.new")).toBe("new");
    expect(folder.events).toHaveLength(1);
  });

  test("that is a folder is set aside", async () => {
    mkdirSync(folder.file("snapshot"), { recursive: true });
    await put(folder.open(), "s.one", "first");
    expect(folder.events.map(({ event }) => event)).toEqual(["store.damaged"]);
  });

  test("shows nothing of what is in it", async () => {
    writeFileSync(folder.file("snapshot"), (await whole()).toString().replace("value", "VALUE"));
    folder.open();
    expect(folder.events[0]?.reason).not.toMatch(/value of/i);
  });
});

describe("a folder that cannot be written to", () => {
  /** Stands where the next snapshot would be drafted; no user may write a file there, not even root. */
  const obstruct = (): string => mkdirSync(folder.file("snapshot.new/in/the/way"), { recursive: true }) ?? "";

  test("is warned of once, served from memory, and tried again every minute", async () => {
    const store = folder.open();
    await put(store, "s.one", "first");
    obstruct();
    folder.clock.advance(minute);
    await until(() => expect(folder.events.map(({ event }) => event)).toEqual(["store.unwritten"]));
    folder.clock.advance(minute);
    await expect(store.flush()).rejects.toThrow("EISDIR");
    await put(store, "s.one", "second");
    expect(await valueOf(store, "s.one")).toBe("second");
    expect(folder.events).toEqual([
      { event: "store.unwritten", level: "warn", reason: expect.stringContaining("EISDIR") as string },
    ]);

    rmSync(folder.file("snapshot.new"), { recursive: true });
    folder.clock.advance(minute);
    await until(() =>
      expect(folder.events.map(({ event }) => event)).toEqual(["store.unwritten", "store.written"]),
    );
    expect(readFileSync(folder.file("snapshot"), "utf8")).toContain("second");
  });

  test("keeps its last snapshot, and says at the end what is lost", async () => {
    const store = folder.open();
    await put(store, "s.one", "first");
    await store.flush();
    await put(store, "s.one", "second");
    obstruct();
    await store.close();
    expect(folder.events).toEqual([
      { event: "store.unwritten", level: "error", reason: expect.stringContaining("is lost") as string },
    ]);
    rmSync(folder.file("snapshot.new"), { recursive: true });
    expect(await valueOf(folder.open(), "s.one")).toBe("first");
  });

  test("is refused at the start", () => {
    writeFileSync(folder.path, "a file");
    expect(() => folder.open()).toThrow(/store: file:.* cannot be used: (?:EEXIST|ENOTDIR)/);
    rmSync(folder.path);
  });
});
