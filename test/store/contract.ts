import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { randomId } from "../../src/kernel/random.ts";
import { oldestReading, type SessionStore } from "../../src/store/session-store.ts";
import { until } from "../support/redis-process.ts";

/** A place where documents are kept, and that stores can be opened at. */
export interface StorePlace {
  open(): SessionStore | Promise<SessionStore>;
  /** Lets time go by, for the place too. Milliseconds. */
  advance(ms: number): void | Promise<void>;
  /** The time at the place. */
  now(): number;
  close(): unknown;
}

/** A kind of store that has to keep the contract. */
export interface StoreKind {
  readonly name: string;
  readonly reach: SessionStore["reach"];
  start(): Promise<StorePlace>;
}

/** How long a document is kept where its end is not the point. Milliseconds. */
const long = 600_000;

/** A name that no other test uses. */
const freshName = (prefix = "s."): string => `${prefix}${randomId(16, "hex")}`;

/** Counts the number in a document up by one, by comparing and swapping until it works. */
async function countUp(store: SessionStore, name: string): Promise<void> {
  for (;;) {
    const { version, value, now } = await store.read(name);
    const next = String(Number(value ?? "0") + 1);
    const { written } = await store.write(name, { version, readAt: now, value: next, keepFor: long });
    if (written) return;
  }
}

/** Writes whatever stands there now. */
async function put(store: SessionStore, name: string, value: string, keepFor = long): Promise<number> {
  const { version, now } = await store.read(name);
  expect(await store.write(name, { version, readAt: now, value, keepFor })).toMatchObject({ written: true });
  return (await store.read(name)).version;
}

/** What every store promises, one test each. */
export function describeStore(kind: StoreKind): void {
  describe(`contract of ${kind.name}`, () => {
    let place: StorePlace;
    const opened: SessionStore[] = [];
    const open = async (): Promise<SessionStore> => {
      const store = await place.open();
      opened.push(store);
      return store;
    };
    beforeAll(async () => {
      place = await kind.start();
    });
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
    });
    afterAll(() => place?.close());

    describeDocuments(open, () => place);
    describeLists(open, () => place);
    describeMessages(open);
    describeEnd(open);
    if (kind.reach === "nodes") describeSharing(open);

    test("says who shares it", async () => {
      expect((await open()).reach).toBe(kind.reach);
    });
  });
}

type Open = () => Promise<SessionStore>;

function describeDocuments(open: Open, place: () => StorePlace): void {
  test("answers for an absent document with version 0 and the time", async () => {
    const { version, value, now } = await (await open()).read(freshName());
    expect({ version, value }).toEqual({ version: 0, value: null });
    expect(Math.abs(now - place().now())).toBeLessThan(5000);
  });

  test("gives back what was written", async () => {
    const [store, name] = [await open(), freshName()];
    const version = await put(store, name, "q1.sealed");
    expect(version).toBeGreaterThan(0);
    expect(await store.read(name)).toMatchObject({ version, value: "q1.sealed" });
  });

  test("raises the version with every write", async () => {
    const [store, name] = [await open(), freshName()];
    const versions = [await put(store, name, "1"), await put(store, name, "2"), await put(store, name, "3")];
    expect(versions).toEqual([...new Set(versions)].sort((first, second) => first - second));
    expect(versions.every(Number.isSafeInteger)).toBe(true);
  });

  test("raises the version past the end of a document", async () => {
    const [store, name] = [await open(), freshName()];
    const before = await put(store, name, "1", 60);
    await place().advance(100);
    expect(await store.read(name)).toMatchObject({ version: 0, value: null });
    expect(await put(store, name, "2")).toBeGreaterThan(before);
  });

  test("refuses a write whose version was overtaken, and changes nothing", async () => {
    const [store, name] = [await open(), freshName()];
    const { version, now } = await store.read(name);
    const first = await put(store, name, "first");
    const late = await store.write(name, { version, readAt: now, value: "late", keepFor: long });
    expect(late.written).toBe(false);
    expect(late.now).toBeGreaterThanOrEqual(now);
    expect(await store.read(name)).toMatchObject({ version: first, value: "first" });
  });

  test("refuses a write over a document that has ended", async () => {
    const [store, name] = [await open(), freshName()];
    const version = await put(store, name, "1", 60);
    await place().advance(100);
    const { now } = await store.read(name);
    const outcome = await store.write(name, { version, readAt: now, value: "2", keepFor: long });
    expect(outcome.written).toBe(false);
    expect(await store.read(name)).toMatchObject({ version: 0, value: null });
  });

  test("loses none of 50 increments at once", async () => {
    const [store, name] = [await open(), freshName()];
    await Promise.all(Array.from({ length: 50 }, () => countUp(store, name)));
    expect((await store.read(name)).value).toBe("50");
  });

  test("refuses a write whose reading is too old", async () => {
    const [store, name] = [await open(), freshName()];
    const { version, now } = await store.read(name);
    const write = { version, value: "1", keepFor: long };
    const tooOld = await store.write(name, { ...write, readAt: now - oldestReading - 1 });
    expect(tooOld.written).toBe(false);
    expect((await store.read(name)).version).toBe(0);
    const justYoung = await store.write(name, { ...write, readAt: now - oldestReading / 2 });
    expect(justYoung.written).toBe(true);
  });

  test("keeps a document as long as its last write says", async () => {
    const [store, name] = [await open(), freshName()];
    await put(store, name, "short", 400);
    expect((await store.read(name)).value).toBe("short");
    await put(store, name, "long");
    await place().advance(500);
    expect((await store.read(name)).value).toBe("long");
    await put(store, name, "short again", 60);
    await place().advance(100);
    expect((await store.read(name)).value).toBeNull();
  });

  test("keeps 256 KiB", async () => {
    const [store, name] = [await open(), freshName()];
    const value = randomId(192 * 1024);
    expect(value).toHaveLength(256 * 1024);
    await put(store, name, value);
    expect((await store.read(name)).value).toBe(value);
  });

  test("keeps odd characters, and every character of names", async () => {
    const store = await open();
    const name = freshName("abcdefghijklmnopqrstuvwxyz.0123456789-");
    const value = "ä€😀 \u2028 \u00a0 \"'\\ %00 ${x} $& {}[]*? <a>& q1.a-b_c=";
    await put(store, name, value);
    expect((await store.read(name)).value).toBe(value);
  });
}

function describeLists(open: Open, place: () => StorePlace): void {
  test("lists the names that begin with a prefix, and no others", async () => {
    const store = await open();
    const group = freshName("g.");
    const names = Array.from({ length: 25 }, (_, at) => `${group}.${at}`).sort();
    await Promise.all([...names, `${group}-other`, freshName()].map((name) => put(store, name, "1")));
    expect([...(await store.names(`${group}.`))].sort()).toEqual(names);
    expect(await store.names(`${group}.1`)).toHaveLength(11);
    expect(await store.names(freshName())).toEqual([]);
  });

  test("takes no character of a prefix for a pattern", async () => {
    const store = await open();
    await put(store, freshName(), "1");
    for (const pattern of ["*", "?", "[a-z]", "s?", "\\s"]) expect(await store.names(pattern)).toEqual([]);
  });

  test("does not list what has ended", async () => {
    const [store, name] = [await open(), freshName()];
    // Long enough that a busy machine looks before it is over. Milliseconds.
    await put(store, name, "1", 1000);
    expect(await store.names(name)).toEqual([name]);
    await place().advance(1100);
    expect(await store.names(name)).toEqual([]);
  });
}

/** Listens, and knows what was heard. */
function listenTo(store: SessionStore): { readonly heard: string[]; stop(): void } {
  const heard: string[] = [];
  return { heard, stop: store.subscribe((message) => void heard.push(message)) };
}

/** Publishes until the listener hears it: where a connection has to be made, that takes a moment. */
export async function untilHeard(from: SessionStore, heard: readonly string[]): Promise<void> {
  const sent = new Set<string>();
  await until("a message is heard", async () => {
    const message = freshName("hello ");
    sent.add(message);
    await from.publish(message);
    return heard.some((each) => sent.has(each));
  });
}

function describeMessages(open: Open): void {
  test("brings a message to every listener", async () => {
    const store = await open();
    const [first, second] = [listenTo(store), listenTo(store)];
    await untilHeard(store, first.heard);
    const message = freshName("ä€😀 ");
    await store.publish(message);
    await until("both hear", async () => first.heard.includes(message) && second.heard.includes(message));
    expect(first.heard.filter((each) => each === message)).toHaveLength(1);
  });

  test("brings no message to a listener that has stopped", async () => {
    const store = await open();
    const [stays, goes] = [listenTo(store), listenTo(store)];
    await untilHeard(store, stays.heard);
    goes.stop();
    goes.stop();
    const message = freshName();
    await store.publish(message);
    await until("the other hears", async () => stays.heard.includes(message));
    expect(goes.heard).not.toContain(message);
  });

  test("listens again after the last listener has stopped", async () => {
    const store = await open();
    const first = listenTo(store);
    await untilHeard(store, first.heard);
    first.stop();
    const second = listenTo(store);
    await untilHeard(store, second.heard);
    expect(second.heard.length).toBeGreaterThan(0);
  });
}

function describeEnd(open: Open): void {
  test("refuses everything after its end, which may be said twice", async () => {
    const [store, name] = [await open(), freshName()];
    await put(store, name, "1");
    const listener = listenTo(store);
    await Promise.all([store.close(), store.close()]);
    await store.close();
    await expect(store.read(name)).rejects.toThrow("closed");
    await expect(store.write(name, { version: 0, readAt: 0, value: "1", keepFor: long })).rejects.toThrow(
      "closed",
    );
    await expect(store.names("s.")).rejects.toThrow("closed");
    await expect(store.publish("m")).rejects.toThrow("closed");
    store.subscribe((message) => void listener.heard.push(message))();
    expect(listener.heard).toEqual([]);
  });
}

function describeSharing(open: Open): void {
  test("shows to one store what another has written", async () => {
    const [one, other, name] = [await open(), await open(), freshName()];
    const version = await put(one, name, "of one");
    expect(await other.read(name)).toMatchObject({ version, value: "of one" });
    expect(await other.names(name)).toEqual([name]);
    expect(await put(other, name, "of the other")).toBeGreaterThan(version);
    const { now } = await one.read(name);
    const late = await one.write(name, { version, readAt: now, value: "late", keepFor: long });
    expect(late.written).toBe(false);
  });

  test("loses none of the increments of two stores", async () => {
    const [one, other, name] = [await open(), await open(), freshName()];
    const stores = Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? one : other));
    await Promise.all(stores.map((store) => countUp(store, name)));
    expect((await one.read(name)).value).toBe("50");
  });

  test("brings the messages of one store to the other", async () => {
    const [one, other] = [await open(), await open()];
    const listener = listenTo(other);
    await untilHeard(one, listener.heard);
    const message = freshName();
    await one.publish(message);
    await until("it is heard", async () => listener.heard.includes(message));
  });

  test("goes on after another store has closed", async () => {
    const [one, other, name] = [await open(), await open(), freshName()];
    const listener = listenTo(one);
    await untilHeard(other, listener.heard);
    await other.close();
    await put(one, name, "1");
    await untilHeard(one, listener.heard);
    expect((await one.read(name)).value).toBe("1");
  });
}
