import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { mkdtempSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { OptionsError } from "../../src/errors.ts";
import { createStoreFolder, put, type StoreFolder, valueOf } from "./store-folder.ts";
import { buildStoreProcess, startStoreProcess, type StoreProcess } from "./store-process.ts";

const minute = 60_000;

let bundle: string;
let script: string;
beforeAll(async () => {
  bundle = mkdtempSync(join(tmpdir(), "qsp-store-process-"));
  script = await buildStoreProcess(bundle);
});
afterAll(() => rmSync(bundle, { recursive: true, force: true }));

let folder: StoreFolder;
let others: StoreProcess[] = [];
beforeEach(() => {
  folder = createStoreFolder();
});
afterEach(async () => {
  for (const other of others) await other.kill();
  others = [];
  await folder.remove();
});

const start = async (): Promise<StoreProcess> => {
  const other = await startStoreProcess(script, folder.path);
  others.push(other);
  return other;
};

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 15_000, interval: 1 });

describe("a crash", () => {
  test("before the first snapshot loses what there was, and keeps nobody out", async () => {
    const other = await start();
    await other.write("s.one", "first");
    await other.kill();
    const store = folder.open();
    expect(await store.names("")).toEqual([]);
    expect(folder.events).toEqual([]);
    await put(store, "s.one", "new");
  });

  test("loses what was written since the last snapshot, and no more", async () => {
    const other = await start();
    await other.fill(3, "first");
    await other.write("d1", "second");
    await other.write("s.one", "second");
    await other.kill();
    const store = folder.open();
    expect(await Promise.all(["d0", "d1", "d2", "s.one"].map((name) => valueOf(store, name)))).toEqual([
      "first",
      "first",
      "first",
      null,
    ]);
  });

  test("in the middle of a snapshot leaves the one before it whole", { timeout: 60_000 }, async () => {
    const count = 5000;
    const draft = folder.file("snapshot.new");
    let roundsSeen = 0;
    let draftsLeft = 0;
    for (let crash = 0; crash < 3; crash += 1) {
      const other = await start();
      await other.fill(count, "round 0 ".repeat(200));
      other.rewrite(count);
      const first = statSync(folder.file("snapshot")).ino;
      await until(() => expect(statSync(folder.file("snapshot")).ino).not.toBe(first));
      // A draft of 8 MB takes a while: it is not done when it is first seen.
      await until(() => expect(statSync(draft, { throwIfNoEntry: false })?.size).toBeGreaterThan(0));
      await other.kill();
      draftsLeft += existsSync(draft) ? 1 : 0;
      const store = folder.open();
      const values = await Promise.all(
        Array.from({ length: count }, (_, index) => valueOf(store, `d${index}`)),
      );
      const rounds = new Set(values);
      expect(rounds.size).toBe(1);
      roundsSeen += /^round [1-9]/.test([...rounds][0] ?? "") ? 1 : 0;
      await store.close();
    }
    expect(roundsSeen).toBe(3);
    expect(draftsLeft).toBeGreaterThan(0);
    expect(folder.events).toEqual([]);
  });
});

describe("a folder that a process has", () => {
  test("is refused to another, with that process's number", async () => {
    const other = await start();
    await other.fill(1, "first");
    expect(() => folder.open()).toThrow(OptionsError);
    expect(() => folder.open()).toThrow(`is in use: process ${other.pid} has it`);
    await other.close();
    expect(await valueOf(folder.open(), "d0")).toBe("first");
  });

  test("is refused from either side", async () => {
    const store = folder.open();
    await expect(start()).rejects.toThrow(`is in use: process ${process.pid} has it`);
    await store.close();
    await start();
  });

  test("is refused to the same process", () => {
    folder.open();
    expect(() => folder.open()).toThrow(`this process (${process.pid}) has it already`);
  });

  test("has one new owner when several come at once after a crash", async () => {
    for (let round = 0; round < 3; round += 1) {
      const dead = await start();
      await dead.kill();
      const outcomes = await Promise.allSettled([start(), start(), start()]);
      const started = outcomes.filter(({ status }) => status === "fulfilled");
      expect(started).toHaveLength(1);
      for (const other of others) await other.kill();
    }
  });
});

describe("a lock that was left behind", () => {
  const leave = (owner: object, silentFor = 0): void => {
    mkdirSync(folder.path, { recursive: true });
    writeFileSync(folder.file("lock"), `${JSON.stringify({ id: "left", start: "", ...owner })}\n`);
    const time = (folder.clock.now() - silentFor) / 1000;
    utimesSync(folder.file("lock"), time, time);
  };

  test("by a process whose number another one has now is taken over", () => {
    // The test's own parent lives, but did not start when the system did.
    leave({ pid: process.ppid, host: hostname(), start: "another boot/1" });
    folder.open();
    expect(readFileSync(folder.file("lock"), "utf8")).toContain(`"pid":${process.pid}`);
  });

  test("by a process of another machine is taken over after three silent minutes", async () => {
    const owner = { pid: 1, host: "another-machine" };
    leave(owner, 3 * minute - 1);
    expect(() => folder.open()).toThrow(
      `process 1 of the machine another-machine has it; remove ${folder.file("lock")} if that process is gone`,
    );
    leave(owner, 3 * minute);
    await put(folder.open(), "s.one", "first");
  });

  test("and is no lock at all is taken over after three minutes", () => {
    mkdirSync(folder.path);
    writeFileSync(folder.file("lock"), "");
    expect(() => folder.open()).toThrow("was made by something else");
    folder.clock.advance(4 * minute);
    folder.open();
  });
});

describe("the owner of a folder", () => {
  test("says every minute that it lives, though nothing changes", async () => {
    folder.open();
    for (let passed = 1; passed <= 5; passed += 1) {
      folder.clock.advance(minute);
      const now = folder.clock.now();
      await until(() => expect(Math.round(statSync(folder.file("lock")).mtimeMs)).toBe(now));
    }
  });

  test("who has lost it writes nothing into it any more, and says so once", async () => {
    const store = folder.open();
    await put(store, "s.one", "mine");
    writeFileSync(folder.file("lock"), "of another process");
    writeFileSync(folder.file("snapshot"), "of another process");
    folder.clock.advance(minute);
    await until(() => expect(folder.events).toHaveLength(1));
    expect(folder.events[0]?.reason).toContain("another process has taken the folder");
    await store.close();
    expect(readFileSync(folder.file("snapshot"), "utf8")).toBe("of another process");
    expect(readFileSync(folder.file("lock"), "utf8")).toBe("of another process");
  });

  test("takes it again when only the lock was removed", async () => {
    const store = folder.open();
    rmSync(folder.file("lock"));
    await put(store, "s.one", "first");
    await store.flush();
    expect(() => folder.open()).toThrow("has it already");
  });
});
