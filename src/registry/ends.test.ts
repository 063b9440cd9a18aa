import { describe, expect, test } from "vitest";
import { createManualClock, type ManualClock } from "../../test/support/manual-clock.ts";
import { comeBackAfter, Ends, endsIn } from "./ends.ts";
import { unknownKey, unknownSubject, type Live, type SubjectRecord } from "./subject-record.ts";

const tag = "a".repeat(32);
const key = tag + "1".repeat(32);
const sibling = tag + "2".repeat(32);
const keepFor = 60_000;

function liveAt(openedAt: number, hasHostSession = false): Live {
  const use = { openedAt, createdAt: openedAt, usedAt: openedAt, vouchedAt: openedAt, expiresAt: null };
  return { birth: "b", token: "b", generation: 1, subject: "ann", hasHostSession, content: null, ...use };
}

const recordWith = (keys: Readonly<Record<string, Live>>): SubjectRecord => ({
  ...unknownSubject,
  keys: Object.fromEntries(Object.entries(keys).map(([name, live]) => [name, { ...unknownKey, live }])),
});

/** A node whose clock is `ahead` milliseconds before the store's, and one document. */
class Node {
  readonly ends: Ends;
  readonly #clock: ManualClock;
  readonly #ahead: number;

  constructor(clock: ManualClock, ahead = 0) {
    this.#clock = clock;
    this.#ahead = ahead;
    this.ends = new Ends({ now: () => clock.now() + ahead, setTimer: clock.setTimer }, keepFor);
  }

  get now(): number {
    return this.#clock.now() + this.#ahead;
  }

  /** One change of the document, as the registry makes it. */
  change(record: SubjectRecord): { readonly record: SubjectRecord; readonly ended: readonly string[] } {
    const acknowledged = this.ends.snapshot(tag);
    const applied = this.ends.apply(tag, record, this.#clock.now(), this.#ahead);
    this.ends.learn(tag, applied.record, this.#ahead, acknowledged);
    return { record: applied.record, ended: applied.ended.map((each) => each.key) };
  }
}

const offsets = [-600_000, 0, 600_000];

describe("Ends: who may come back", () => {
  test("a node that knows of no end lets everybody in", () => {
    const node = new Node(createManualClock());
    expect(node.ends.admits(key, 0)).toBe(true);
  });

  test("after a log-out only a word of the host from more than two seconds later counts, before the store knows of it too", () => {
    const node = new Node(createManualClock());
    node.ends.endKey(key, "logout", false);
    expect(node.ends.admits(key, node.now + comeBackAfter)).toBe(false);
    expect(node.ends.admits(key, node.now + comeBackAfter + 1)).toBe(true);
    expect(node.ends.admits(sibling, 0)).toBe(true);
  });

  test("a host session that was logged out does not come back, also after later ends that say less", () => {
    const node = new Node(createManualClock());
    node.ends.endKey(key, "logout", true);
    node.ends.endKey(key, "revoked", false);
    const { record } = node.change(unknownSubject);
    expect(record.keys[key]?.barred).toBe(true);
    expect(node.ends.admits(key, Number.MAX_SAFE_INTEGER)).toBe(false);
  });

  test("a revocation counts for every key of the subject, and blocks for as long as it says", () => {
    const clock = createManualClock();
    const node = new Node(clock);
    node.ends.endSubject(tag, "revoked", 10_000);
    const late = node.now + 5000;
    expect([node.ends.admits(key, late), node.ends.admits(sibling, late)]).toEqual([false, false]);
    clock.advance(9999);
    expect(node.ends.admits(key, late)).toBe(false);
    clock.advance(1);
    expect([node.ends.admits(key, late), node.ends.admits(key, late - 3001)]).toEqual([true, false]);
  });

  test("a shorter block does not lift a longer one", () => {
    const clock = createManualClock();
    const node = new Node(clock);
    node.ends.endSubject(tag, "revoked", 10_000);
    node.ends.endSubject(tag, "revoked", 0);
    const { record } = node.change(unknownSubject);
    expect(record.blockedUntil).toBe(clock.now() + 10_000);
    expect(node.ends.admits(key, node.now + 5000)).toBe(false);
  });

  test.each(offsets)("an end is the same moment for a node whose clock is %d ms ahead", (ahead) => {
    const clock = createManualClock();
    const [node, other] = [new Node(clock, ahead), new Node(clock)];
    node.ends.endKey(key, "logout", false);
    node.ends.endSubject(tag, "revoked", 5000);
    const { record } = node.change(unknownSubject);
    expect([record.endedAt, record.blockedUntil, record.keys[key]?.endedAt]).toEqual([
      clock.now(),
      clock.now() + 5000,
      clock.now(),
    ]);
    other.change(record);
    clock.advance(5000);
    for (const each of [node, other]) {
      expect(each.ends.admits(key, each.now - 5000 + comeBackAfter)).toBe(false);
      expect(each.ends.admits(key, each.now - 5000 + comeBackAfter + 1)).toBe(true);
    }
  });
});

describe("Ends: what the store is told", () => {
  test("an end is pending until the store has it", () => {
    const node = new Node(createManualClock());
    node.ends.endKey(key, "logout", false);
    expect(node.ends.pending).toEqual([tag]);
    node.change(unknownSubject);
    expect(node.ends.pending).toEqual([]);
    expect(node.ends.known).toEqual([tag]);
  });

  test("an end that came while another was written stays pending, and is written next", () => {
    const clock = createManualClock();
    const node = new Node(clock);
    node.ends.endKey(key, "logout", false);
    const acknowledged = node.ends.snapshot(tag);
    const { record } = node.ends.apply(tag, unknownSubject, clock.now(), 0);
    clock.advance(10);
    node.ends.endKey(key, "logout", true);
    node.ends.endSubject(tag, "revoked", 0);
    node.ends.learn(tag, record, 0, acknowledged);
    expect(node.ends.pending).toEqual([tag]);
    const next = node.change(record).record;
    expect(next.keys[key]).toMatchObject({ barred: true, endedAt: clock.now() });
    expect(next.epoch).toBeGreaterThan(0);
    expect(node.ends.pending).toEqual([]);
  });

  test("an end takes the session out, with its reason, and a number that refuses what is under way", () => {
    const clock = createManualClock();
    const node = new Node(clock);
    node.ends.endKey(key, "logout", false);
    const { record, ended } = node.change(
      recordWith({ [key]: liveAt(clock.now()), [sibling]: liveAt(clock.now()) }),
    );
    expect(ended).toEqual([key]);
    expect(record.keys[key]).toMatchObject({ live: null, reason: "logout", epoch: clock.now() });
    expect(record.keys[sibling]?.live).not.toBeNull();
  });

  test("an end that finds no session raises the number all the same", () => {
    const clock = createManualClock();
    const node = new Node(clock);
    node.ends.endKey(key, "logout", false);
    expect(node.change(unknownSubject).record.keys[key]?.epoch).toBe(clock.now());
  });

  test("a revocation takes out every session of the subject, and host sessions for good", () => {
    const clock = createManualClock();
    const node = new Node(clock);
    node.ends.endSubject(tag, "revoked", 0);
    const sessions = { [key]: liveAt(clock.now()), [sibling]: liveAt(clock.now(), true) };
    const { record, ended } = node.change(recordWith(sessions));
    expect(ended).toEqual([key, sibling]);
    expect([record.keys[key]?.barred, record.keys[sibling]?.barred]).toEqual([false, true]);
    clock.advance(5000);
    expect([node.ends.admits(key, node.now), node.ends.admits(sibling, node.now)]).toEqual([true, false]);
  });

  test.each(offsets)(
    "an end that comes late leaves a session alone that the host vouched for after it (%d ms ahead)",
    (ahead) => {
      const clock = createManualClock();
      const node = new Node(clock, ahead);
      node.ends.endKey(key, "logout", false);
      node.ends.endSubject(tag, "revoked", 0);
      const from = clock.now();
      clock.advance(30_000);
      expect(node.change(recordWith({ [key]: liveAt(from + comeBackAfter + 1) })).ended).toEqual([]);
      const again = new Node(clock, ahead);
      again.ends.endKey(key, "logout", false);
      expect(again.change(recordWith({ [key]: liveAt(clock.now() + comeBackAfter) })).ended).toEqual([key]);
    },
  );

  test("two nodes that end at once agree on both ends", () => {
    const clock = createManualClock();
    const [one, other] = [new Node(clock), new Node(clock)];
    one.ends.endKey(key, "logout", true);
    other.ends.endSubject(tag, "revoked", 0);
    const first = one.change(recordWith({ [key]: liveAt(clock.now()) }));
    const second = other.change(first.record);
    one.change(second.record);
    expect([first.ended, second.ended]).toEqual([[key], []]);
    for (const { ends } of [one, other]) {
      expect(ends.pending).toEqual([]);
      expect(ends.admits(key, Number.MAX_SAFE_INTEGER)).toBe(false);
      expect(ends.admits(sibling, clock.now())).toBe(false);
    }
  });

  test("nothing is written where the store knows all that the node knows", () => {
    const node = new Node(createManualClock());
    node.ends.endKey(key, "logout", true);
    node.ends.endSubject(tag, "revoked", 5000);
    const { record } = node.change(recordWith({ [key]: liveAt(0) }));
    expect(node.change(record).record).toBe(record);
  });
});

describe("Ends: a store that lost something", () => {
  test("a session from before the end is taken out again, and the end has its number back", () => {
    const clock = createManualClock();
    const node = new Node(clock);
    const before = recordWith({ [key]: liveAt(clock.now(), true) });
    node.ends.endKey(key, "logout", true);
    const { record } = node.change(before);
    clock.advance(5000);
    const again = node.change(before);
    expect(again.ended).toEqual([key]);
    expect(again.record.keys[key]).toMatchObject({
      live: null,
      barred: true,
      endedAt: record.keys[key]?.endedAt,
    });
    expect(again.record.keys[key]?.epoch).toBeGreaterThanOrEqual(record.keys[key]?.epoch ?? 0);
  });

  test("with nothing to take out, the number is the one from before: sessions made after the end know it", () => {
    const clock = createManualClock();
    const node = new Node(clock);
    node.ends.endKey(key, "logout", false);
    node.ends.endSubject(tag, "revoked", 0);
    const { record } = node.change(unknownSubject);
    clock.advance(5000);
    const again = node.change(unknownSubject).record;
    expect([again.epoch, again.keys[key]?.epoch]).toEqual([record.epoch, record.keys[key]?.epoch]);
  });

  test("a lost revocation leaves sessions alone that are newer", () => {
    const clock = createManualClock();
    const node = new Node(clock);
    node.ends.endSubject(tag, "revoked", 0);
    node.change(unknownSubject);
    clock.advance(5000);
    expect(node.change(recordWith({ [key]: liveAt(clock.now()) })).ended).toEqual([]);
  });

  test("a node that only heard of an end raises it too", () => {
    const clock = createManualClock();
    const [one, other] = [new Node(clock), new Node(clock, 600_000)];
    const before = recordWith({ [key]: liveAt(clock.now(), true) });
    one.ends.endSubject(tag, "revoked", 3000);
    const { record } = one.change(before);
    other.ends.hear(tag, endsIn(record), 600_000);
    expect(other.ends.admits(sibling, other.now)).toBe(false);
    const raised = other.change(before);
    expect(raised.ended).toEqual([key]);
    expect(raised.record).toMatchObject({ endedAt: record.endedAt, blockedUntil: record.blockedUntil });
  });

  test("what was heard takes nothing back: neither a newer end nor one that is pending", () => {
    const clock = createManualClock();
    const node = new Node(clock);
    node.ends.endKey(key, "logout", false);
    const old = endsIn(node.change(unknownSubject).record);
    clock.advance(10_000);
    node.ends.endKey(key, "logout", true);
    node.ends.hear(tag, old, 0);
    expect(node.ends.pending).toEqual([tag]);
    node.change(unknownSubject);
    node.ends.hear(tag, old, 0);
    expect(node.ends.admits(key, Number.MAX_SAFE_INTEGER)).toBe(false);
  });
});

describe("Ends: forgetting", () => {
  test("an end is forgotten after its time, and not before", () => {
    const clock = createManualClock();
    const node = new Node(clock);
    node.ends.endKey(key, "logout", false);
    node.change(unknownSubject);
    clock.advance(keepFor - 1);
    node.ends.forget();
    expect(node.ends.known).toEqual([tag]);
    clock.advance(1);
    node.ends.forget();
    expect(node.ends.known).toEqual([]);
  });

  test("a block is remembered until it is over, and what is pending for ever", () => {
    const clock = createManualClock();
    const [blocked, pending] = [new Node(clock), new Node(clock)];
    blocked.ends.endSubject(tag, "revoked", 2 * keepFor);
    blocked.change(unknownSubject);
    pending.ends.endKey(key, "logout", false);
    clock.advance(2 * keepFor - 1);
    for (const { ends } of [blocked, pending]) ends.forget();
    expect([blocked.ends.known, pending.ends.known]).toEqual([[tag], [tag]]);
    clock.advance(1);
    for (const { ends } of [blocked, pending]) ends.forget();
    expect([blocked.ends.known, pending.ends.known]).toEqual([[], [tag]]);
  });
});
