import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  codes,
  longestWait,
  served,
  startLoginNodes as setUp,
  type Entry,
} from "../../test/support/login-nodes.ts";
import { SessionProxyError } from "../errors.ts";

const throttled = new SessionProxyError("QSP-TENANT-THROTTLED", { retryAfter: 13 });
const refused = new SessionProxyError("QSP-TENANT-REFUSED", { reason: "unknown issuer" });

describe("createLoginQueue: turns", () => {
  test("a burst of a minute's logins passes at once, then one after the other in the order of arrival", async () => {
    const { enterAll, run } = setUp();
    const entries = enterAll(64);
    await run(10, 1);
    expect(served(entries)).toHaveLength(60);
    await run(4500);
    expect(served(entries)).toEqual(entries.map(({ subject }) => subject));
    expect(entries.slice(60).map(({ at }) => Math.floor((at ?? 0) / 1000))).toEqual([1, 2, 3, 4]);
  });

  test("a thousand users at once cause a handful of calls of the store, one at a time", async () => {
    const { enterAll, run, store, tell } = setUp({ perMinute: 1000 });
    const entries = enterAll(1000);
    await run(50, 1);
    expect(served(entries)).toHaveLength(1000);
    await Promise.all(entries.map((entry) => tell(entry, null)));
    expect(store.mostUnderway).toBe(1);
    expect(store.calls).toBeLessThan(10);
  });

  test("who would wait too long is told at once how long, and everybody else is served in time", async () => {
    const { enterAll, run } = setUp();
    const entries = enterAll(90);
    await run(10, 1);
    const late = entries.filter(({ error }) => error !== null);
    expect(late.map(({ subject }) => subject)).toEqual(entries.slice(69).map(({ subject }) => subject));
    expect(new Set(codes(late))).toEqual(new Set(["QSP-BUSY"]));
    // 60 at once, then one a second: the 70th would have its turn just when it is too late.
    expect(late.map(({ error }) => error?.retryAfter)).toEqual(late.map((_, index) => index + 10));
    await run(longestWait);
    expect(served(entries)).toHaveLength(69);
  });

  test("a node that is not alone tells a longer wait, because the turns go round", async () => {
    const { node, enter, enterAll, run, exhaust } = setUp();
    await exhaust();
    for (const queue of [node(), node()]) {
      for (let index = 0; index < 9; index += 1) enter(`renewal ${index}`, { queue, background: true });
    }
    await run(100, 1);
    const entries = enterAll(9);
    await run(10, 1);
    // Every third second one; the first in two to three.
    const told = entries.map(({ error }) => error?.retryAfter);
    expect(told).toEqual([undefined, undefined, undefined, 12, 15, 18, 21, 24, 27]);
    await run(longestWait);
    expect(served(entries)).toHaveLength(3);
  });

  test("turns are shared between nodes, though some of them are much nearer to the store", async () => {
    const { node, run, exhaust, enter } = setUp();
    await exhaust();
    const queues = { near: node(), also: node(2), far: node(20) };
    const entries: Entry[] = [];
    for (let index = 0; index < 9; index += 1) {
      for (const [name, queue] of Object.entries(queues))
        entries.push(enter(name, { queue, background: true }));
    }
    await run(12_000, 1);
    const turns = served(entries);
    for (const name of Object.keys(queues)) {
      expect(turns.filter((each) => each === name).length).toBeGreaterThanOrEqual(3);
    }
  });
});

describe("createLoginQueue: places", () => {
  test("who was told to come back is served before those who came later", async () => {
    const { enter, enterAll, run, exhaust } = setUp();
    await exhaust();
    const first = enterAll(9, "first");
    await run(10, 1);
    const told = enter("told");
    await run(10, 1);
    expect([told.error?.code, told.error?.retryAfter]).toEqual(["QSP-BUSY", 10]);
    await run(5000);
    const later = enterAll(4, "later");
    await run(10, 1);
    const back = enter("told");
    await run(12_000);
    expect(served([...first, ...later, back]).slice(9)).toEqual(["told", ...served(later)]);
    expect(served(later)).toHaveLength(4);
  });

  test("a place without anybody waiting is passed over: no turn is lost by it", async () => {
    const { enter, enterAll, run, exhaust } = setUp();
    await exhaust();
    expect(codes(enterAll(200, "gone")).every((code) => code === undefined)).toBe(true);
    await run(10, 1);
    await run(11_000);
    await run(20_000);
    const entry = enter("late");
    await run(10, 1);
    expect(served([entry])).toEqual(["late"]);
  });

  test("a place is kept for twice the time that was told and half a minute, and not for ever", async () => {
    const comeBackAfter = async (ms: number): Promise<Entry> => {
      const { enter, enterAll, run, exhaust } = setUp();
      await exhaust();
      enterAll(9, "first");
      await run(10, 1);
      expect(enter("told").error).toBeNull();
      await run(ms, 500);
      enterAll(200, "other");
      await run(10, 1);
      const back = enter("told");
      await run(2000);
      return back;
    };
    // Told to come back after 10 seconds.
    expect((await comeBackAfter(49_500)).turn).not.toBeNull();
    expect((await comeBackAfter(50_500)).error?.code).toBe("QSP-BUSY");
  });

  test("a subject with two browsers has one place: others come between its logins", async () => {
    const { enter, run, exhaust } = setUp();
    await exhaust();
    const entries = [enter("ann"), enter("ann"), enter("bob"), enter("cid")];
    await run(5000);
    expect(served(entries)).toEqual(["ann", "bob", "cid", "ann"]);
  });

  test("beyond ten thousand places users are told to come back without one", async () => {
    const { enter, enterAll, run, exhaust } = setUp();
    await exhaust();
    const entries = enterAll(10_001);
    await run(10, 1);
    const last = entries.at(-1);
    expect([last?.error?.code, last?.error?.retryAfter]).toEqual(["QSP-BUSY", 10_000]);
    const again = enter("user 9999");
    await run(10, 1);
    expect(again.error?.retryAfter).toBeGreaterThan(9900);
  }, 20_000);

  test("a user who gave up leaves at once, and the next one moves up", async () => {
    const { enter, run, exhaust } = setUp();
    await exhaust();
    const gone = new AbortController();
    const entries = [enter("ann", { signal: gone.signal }), enter("bob")];
    await run(10, 1);
    gone.abort(new Error("gone"));
    await run(1500);
    expect([entries[0]?.error, served(entries)]).toEqual([new Error("gone"), ["bob"]]);
    const late = enter("cid", { signal: gone.signal });
    await run(10, 1);
    expect(late.error).toEqual(new Error("gone"));
  });
});

describe("createLoginQueue: renewals in the background", () => {
  test("come after every user, and wait as long as it takes", async () => {
    const { enter, enterAll, run, exhaust } = setUp();
    await exhaust();
    const renewals = Array.from({ length: 20 }, (_, index) =>
      enter(`renewal ${index}`, { background: true }),
    );
    await run(10, 1);
    const users = enterAll(5);
    await run(5500);
    expect([served(users).length, served(renewals).length]).toEqual([5, 0]);
    await run(21_000);
    expect(served(renewals)).toEqual(renewals.map(({ subject }) => subject));
  });

  test("can be given up", async () => {
    const { enter, queue, run, exhaust } = setUp();
    await exhaust();
    const given = new AbortController();
    const renewals = [
      enter("one", { background: true, signal: given.signal }),
      enter("two", { background: true }),
    ];
    await run(10, 1);
    expect(queue.waiting).toBe(2);
    given.abort(new Error("given up"));
    await run(1500);
    expect([renewals[0]?.error, served(renewals), queue.waiting]).toEqual([
      new Error("given up"),
      ["two"],
      0,
    ]);
  });
});

describe("createLoginQueue: back-off", () => {
  test("a throttled login answers everybody who waits, and who comes then, at once and without the store", async () => {
    const { enter, enterAll, run, exhaust, store, queue, tell } = setUp();
    const begun = enter("begun");
    await exhaust(59);
    const waiting = [...enterAll(3), enter("renewal", { background: true })];
    await run(10, 1);
    expect(codes(waiting)).toEqual([undefined, undefined, undefined, undefined]);
    await tell(begun, throttled);
    expect(codes(waiting)).toEqual(Array.from({ length: 4 }, () => "QSP-TENANT-THROTTLED"));
    expect(waiting[0]?.error?.retryAfter).toBe(13);
    expect(queue.closed).toBe(true);
    const calls = store.calls;
    const next = enterAll(100, "next");
    await run(1, 1);
    expect(new Set(codes(next))).toEqual(new Set(["QSP-TENANT-THROTTLED"]));
    expect(store.calls).toBe(calls);
  });

  test("after the hold one login tries; a success lets the others in", async () => {
    const { enter, enterAll, run, queue, tell } = setUp();
    const begun = enter("begun");
    await run(10, 1);
    await tell(begun, throttled);
    await run(13_000, 500);
    expect(queue.closed).toBe(false);
    const entries = enterAll(5);
    await run(10, 1);
    expect(served(entries)).toEqual(["user 0"]);
    expect(codes(entries).slice(1)).toEqual(Array.from({ length: 4 }, () => "QSP-TENANT-THROTTLED"));
    expect(entries[1]?.error?.retryAfter).toBe(1);
    await tell(entries[0], null);
    const after = enterAll(5);
    await run(10, 1);
    expect(served(after)).toHaveLength(5);
    expect(queue.closed).toBe(false);
  });

  test("those who wait at one node hear within a second of what another has met", async () => {
    const { node, enter, run, exhaust, tell } = setUp({ perMinute: 12 });
    const begun = enter("begun", { queue: node() });
    await exhaust(11);
    const waiting = enter("waiting");
    await run(100, 1);
    expect(waiting.at).toBeNull();
    await tell(begun, throttled);
    await run(1000);
    expect(waiting.error?.code).toBe("QSP-TENANT-THROTTLED");
  });

  test("a wrong key met by a thousand users causes three logins, then one for each hold", async () => {
    const { enter, run, tell } = setUp({ perMinute: 1000 });
    let logins = 0;
    for (let second = 0; second < 60; second += 1) {
      for (let user = 0; user < 15; user += 1) {
        const entry = enter(`user ${second} ${user}`);
        await run(10, 5);
        if (!entry.turn) continue;
        logins += 1;
        await tell(entry, refused);
      }
      await run(800, 100);
    }
    // Holds of 1, 2, 4, 8, 16 and 32 seconds in a minute.
    expect(logins).toBeLessThanOrEqual(3 + 6);
    expect(logins).toBeGreaterThan(6);
  });

  test("a report counts once, whatever is said afterwards", async () => {
    const { enter, run, queue, tell } = setUp();
    const entry = enter("ann");
    await run(10, 1);
    await tell(entry, null);
    await tell(entry, throttled);
    expect(queue.closed).toBe(false);
  });
});

describe("createLoginQueue: the store", () => {
  test("a store that fails is told to all who wait, and their places are kept", async () => {
    const { enter, enterAll, run, exhaust, store } = setUp();
    await exhaust();
    const waiting = enterAll(3);
    await run(10, 1);
    store.isDown = true;
    await run(2000);
    expect(codes(waiting)).toEqual(["QSP-STORE", "QSP-STORE", "QSP-STORE"]);
    store.isDown = false;
    const later = enter("later");
    const back = enter("user 2");
    await run(3000);
    expect(served([later, back])).toEqual(["user 2", "later"]);
  });

  test("a report that cannot be delivered is let go, and harms nobody", async () => {
    const { enter, run, store, tell } = setUp();
    const entry = enter("ann");
    await run(10, 1);
    store.isDown = true;
    await tell(entry, throttled);
    store.isDown = false;
    const next = enter("bob");
    await run(10, 1);
    expect(served([next])).toEqual(["bob"]);
  });

  test("everybody who waits is answered at the close, and nobody waits after it", async () => {
    const { enter, enterAll, run, exhaust, queue, store } = setUp();
    await exhaust();
    const waiting = [...enterAll(3), enter("renewal", { background: true })];
    await run(10, 1);
    queue.close();
    queue.close();
    const late = enter("late");
    await run(1, 1);
    expect(codes([...waiting, late])).toEqual(Array.from({ length: 5 }, () => "QSP-BUSY"));
    const calls = store.calls;
    await run(5000, 500);
    expect([queue.waiting, store.calls]).toEqual([0, calls]);
  });
});

describe("createLoginQueue: any arrivals", () => {
  const arrival = fc.record({
    pause: fc.nat(3000),
    subject: fc.nat(40),
    node: fc.nat(2),
    background: fc.boolean(),
    outcome: fc.constantFrom(
      null,
      null,
      null,
      null,
      new SessionProxyError("QSP-UPSTREAM"),
      refused,
      new SessionProxyError("QSP-TENANT-THROTTLED", { retryAfter: 2 }),
    ),
  });

  test("all nodes together keep the limit, users come first, and everybody is answered in time", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(1, 20, 300),
        fc.array(arrival, { minLength: 1, maxLength: 60 }),
        async (perMinute, latency, arrivals) => {
          const { clock, run, node } = setUp({ perMinute, latency });
          const nodes = [node(), node(), node()].map((queue) => ({ queue, users: new Set<object>() }));
          const turns: number[] = [];
          const waits: number[] = [];
          const overtaken: number[] = [];
          const others: unknown[] = [];
          let answered = 0;

          const arrive = async ({ subject, node: at, background, outcome }: (typeof arrivals)[number]) => {
            const { queue, users } = nodes[at] ?? { queue: node(), users: new Set() };
            const waiter = {};
            const enteredAt = clock.now();
            if (!background) users.add(waiter);
            try {
              const turn = await queue.enter(String(subject), { background });
              users.delete(waiter);
              turns.push(clock.now());
              if (background) overtaken.push(users.size);
              if (outcome === null) turn.succeeded();
              else turn.failed(outcome);
            } catch (error) {
              users.delete(waiter);
              if (!(error instanceof SessionProxyError)) others.push(error);
            }
            answered += 1;
            if (!background) waits.push(clock.now() - enteredAt);
          };

          for (const each of arrivals) {
            await run(each.pause, 100);
            void arrive(each);
          }
          // Renewals wait as long as it takes: at worst all of them one after the other.
          await run((arrivals.length * 60_000) / perMinute + 30_000, 500);
          expect([answered, others]).toEqual([arrivals.length, []]);
          expect(Math.max(0, ...waits)).toBeLessThanOrEqual(longestWait + 500);
          expect(Math.max(0, ...overtaken)).toBe(0);
          for (const [from, since] of turns.entries()) {
            for (const [more, at] of turns.slice(from).entries()) {
              // A turn is given up to two trips to the store before it is heard of, and time goes in strides.
              const span = at - since + 2 * latency + 500;
              expect(more + 1).toBeLessThanOrEqual(perMinute + (span * perMinute) / 60_000 + 1);
            }
          }
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);
});
