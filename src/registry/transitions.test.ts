import { describe, expect, test } from "vitest";
import { unknownSubject, type Live, type SubjectRecord } from "./subject-record.ts";
import {
  begin,
  commit,
  endQuietly,
  extend,
  release,
  restore,
  touch,
  update,
  type From,
} from "./transitions.ts";

const key = "k".repeat(64);
const now = 1_700_000_000_000;
const leaseFor = 3000;
const none = { key: 0, subject: 0 };
const use = { openedAt: now, createdAt: now, usedAt: now, vouchedAt: now, expiresAt: null };
const hold = { code: "QSP-UPSTREAM", until: now + 1000, times: 1 };

const claimOf = (token: string, from: From = null, epochs = none) => ({ key, epochs, from, token });

const beginAs = (
  record: SubjectRecord,
  token: string,
  at = now,
  from: From = null,
  claimsPause: number | null = null,
) => begin(record, at, { ...claimOf(token, from), leaseFor, claimsPause });

const commitAs = (
  record: SubjectRecord,
  token: string,
  at = now,
  from: From = null,
  live: Partial<Live> = {},
  claimsAt = now,
) =>
  commit(record, at, {
    ...claimOf(token, from),
    live: { subject: "ann", hasHostSession: false, content: token, ...use, ...live },
    claims: { at: claimsAt, value: token },
  });

/** The record after a step that must have changed it. */
function after(step: { readonly record?: SubjectRecord }): SubjectRecord {
  if (step.record === undefined) throw new Error("nothing was changed");
  return step.record;
}

const leased = (token = "a"): SubjectRecord => after(beginAs(unknownSubject, token));
const living = (): SubjectRecord => after(commitAs(leased("a"), "a"));
const first: From = { birth: "a", generation: 1 };

describe("begin", () => {
  test("takes the lease where nothing speaks against it", () => {
    const step = beginAs(unknownSubject, "a");
    expect(step.outcome).toEqual({ kind: "granted" });
    expect(after(step).keys[key]?.lease).toEqual({ token: "a", until: now + leaseFor });
  });

  test("is held while another has the lease, to the millisecond of its end", () => {
    expect(beginAs(leased(), "b", now + leaseFor - 1).outcome).toEqual({
      kind: "held",
      until: now + leaseFor,
    });
    expect(beginAs(leased(), "b", now + leaseFor).outcome).toEqual({ kind: "granted" });
  });

  test("gives the lease again to the one that has it, so that it may be repeated", () => {
    expect(beginAs(leased(), "a", now + 10).outcome).toEqual({ kind: "granted" });
  });

  test.each([
    ["of the key", { key: 1, subject: 0 }],
    ["of the subject", { key: 0, subject: 1 }],
  ])("refuses where an end %s is not the one that was known", (_, epochs) => {
    const step = begin(unknownSubject, now, { ...claimOf("a", null, epochs), leaseFor, claimsPause: null });
    expect(step).toEqual({ outcome: { kind: "ended" } });
  });

  test("says what became of the session that it starts from", () => {
    expect(beginAs(living(), "b").outcome).toEqual({ kind: "live" });
    expect(beginAs(living(), "b", now, first).outcome).toEqual({ kind: "granted" });
    expect(beginAs(living(), "b", now, { birth: "other", generation: 1 }).outcome).toEqual({ kind: "ended" });
    expect(beginAs(unknownSubject, "b", now, first).outcome).toEqual({ kind: "ended" });
    const renewed = after(commitAs(after(beginAs(living(), "b", now, first)), "b", now, first));
    expect(beginAs(renewed, "c", now, first).outcome).toEqual({ kind: "live" });
  });

  test("is refused as long as the remembered failure says", () => {
    const held = { ...unknownSubject, hold };
    expect(beginAs(held, "a", hold.until - 1).outcome).toEqual({ kind: "refused", hold });
    expect(beginAs(held, "a", hold.until).outcome).toEqual({ kind: "granted" });
  });

  test("renews for changed claims once in the pause, whoever asks; for other causes at any time", () => {
    const once = after(beginAs(living(), "b", now, first, 30_000));
    const done = after(commitAs(once, "b", now, first));
    const second: From = { birth: "a", generation: 2 };
    expect(beginAs(done, "c", now + 29_999, second, 30_000).outcome).toEqual({ kind: "later" });
    expect(beginAs(done, "c", now + 29_999, second, null).outcome).toEqual({ kind: "granted" });
    expect(beginAs(done, "c", now + 30_000, second, 30_000).outcome).toEqual({ kind: "granted" });
  });
});

describe("extend and release", () => {
  test("a lease is prolonged by the one that has it, and by nobody else", () => {
    expect(after(extend(leased(), now + 2000, { key, token: "a", leaseFor })).keys[key]?.lease?.until).toBe(
      now + 5000,
    );
    expect(extend(leased(), now, { key, token: "b", leaseFor })).toEqual({ outcome: false });
    expect(extend(living(), now, { key, token: "a", leaseFor })).toEqual({ outcome: false });
  });

  test("a lease that is given back leaves the failure behind", () => {
    const given = after(release(leased(), now, { key, token: "a", hold: () => hold }));
    expect([given.keys[key]?.lease, given.hold]).toEqual([null, hold]);
  });

  test("who lost the lease cannot give back the next one's, nor leave a failure", () => {
    const taken = after(beginAs(leased("a"), "b", now + leaseFor));
    expect(release(taken, now, { key, token: "a", hold: () => hold }).record).toBeUndefined();
  });
});

describe("commit", () => {
  test("makes the session, and forgets lease and failure", () => {
    const step = commitAs({ ...leased(), hold }, "a");
    expect(step.outcome).toEqual({ kind: "committed", version: now });
    expect(after(step)).toMatchObject({ hold: null, claims: { at: now, value: "a" } });
    expect(after(step).keys[key]).toMatchObject({
      lease: null,
      live: { birth: "a", token: "a", generation: 1, content: "a" },
    });
  });

  test("says the same when it is repeated, and changes nothing", () => {
    expect(commitAs(living(), "a", now + 500)).toEqual({ outcome: { kind: "committed", version: now } });
  });

  test("is overtaken when the lease went to another, also before that one is done", () => {
    const taken = after(beginAs(leased("a"), "b", now + leaseFor));
    expect(commitAs(taken, "a").outcome).toEqual({ kind: "overtaken" });
    const done = after(commitAs(taken, "b", now + leaseFor));
    expect(commitAs(done, "a").outcome).toEqual({ kind: "overtaken" });
  });

  test("is overtaken without a lease at all: the document was lost", () => {
    expect(commitAs(unknownSubject, "a").outcome).toEqual({ kind: "overtaken" });
  });

  test("counts if the lease ran out and nobody else took it", () => {
    expect(commitAs(leased(), "a", now + 60_000).outcome.kind).toBe("committed");
  });

  test.each<[string, Partial<SubjectRecord>]>([
    ["the subject", { epoch: 1 }],
    ["the key", { keys: { [key]: { ...leased().keys[key]!, epoch: 1 } } }],
  ])("is refused when %s was ended while it ran", (_, change) => {
    expect(commitAs({ ...leased(), ...change }, "a")).toEqual({ outcome: { kind: "ended" } });
  });

  test("a renewal keeps birth, and what other nodes noted of its use", () => {
    const begun = after(beginAs(living(), "b", now, first));
    const used = after(
      touch(begun, now, {
        key,
        birth: "a",
        use: { usedAt: now + 50, vouchedAt: now + 40, expiresAt: now + 9000 },
      }),
    );
    const live = after(commitAs(used, "b", now + 100, first)).keys[key]?.live;
    expect(live).toMatchObject({ birth: "a", token: "b", generation: 2 });
    expect(live).toMatchObject({ usedAt: now + 50, vouchedAt: now + 40, expiresAt: now + 9000 });
  });

  test("a version goes up though the clock went back", () => {
    const begun = after(beginAs(living(), "b", now, first));
    expect(commitAs(begun, "b", now - 10_000, first).outcome).toEqual({
      kind: "committed",
      version: now + 1,
    });
  });

  test("the newest word on the claims stays, whoever writes last", () => {
    const begun = after(beginAs(living(), "b", now, first));
    expect(after(commitAs(begun, "b", now, first, {}, now - 1)).claims).toMatchObject({
      at: now,
      value: "a",
    });
    expect(after(commitAs(begun, "b", now, first, {}, now + 1)).claims).toMatchObject({
      at: now + 1,
      value: "b",
    });
  });
});

describe("update and touch", () => {
  test("an update counts for the generation that it was made from", () => {
    const step = update(living(), now, { key, from: first, content: (before) => [before, "new"] });
    expect(step.outcome).toBe(now + 1);
    expect(after(step).keys[key]?.live?.content).toEqual(["a", "new"]);
    const renewed = after(commitAs(after(beginAs(living(), "b", now, first)), "b", now, first));
    expect(update(renewed, now, { key, from: first, content: () => "late" })).toEqual({ outcome: null });
    expect(update(unknownSubject, now, { key, from: first, content: () => "late" })).toEqual({
      outcome: null,
    });
  });

  test("use is merged to the latest, and nothing is written where nothing is new", () => {
    const same = { usedAt: now, vouchedAt: now, expiresAt: null };
    expect(touch(living(), now, { key, birth: "a", use: same }).record).toBeUndefined();
    expect(
      touch(living(), now, { key, birth: "a", use: { ...same, usedAt: now - 1 } }).record,
    ).toBeUndefined();
    expect(
      touch(living(), now, { key, birth: "other", use: { ...same, usedAt: now + 1 } }).record,
    ).toBeUndefined();
    const used = after(touch(living(), now, { key, birth: "a", use: { ...same, usedAt: now + 1 } }));
    expect(used.keys[key]?.live?.usedAt).toBe(now + 1);
  });

  test("the end of the host's word follows its newest word, longer or shorter", () => {
    const touched = (vouchedAt: number, expiresAt: number | null, record = living()): SubjectRecord =>
      after(
        touch(record, now, {
          key,
          birth: "a",
          use: { usedAt: now + vouchedAt, vouchedAt: now + vouchedAt, expiresAt },
        }),
      );
    const long = touched(10, now + 5000);
    expect(long.keys[key]?.live?.expiresAt).toBe(now + 5000);
    expect(touched(20, now + 100, long).keys[key]?.live?.expiresAt).toBe(now + 100);
    const older = after(
      touch(long, now, { key, birth: "a", use: { usedAt: now + 99, vouchedAt: now + 5, expiresAt: null } }),
    );
    expect(older.keys[key]?.live).toMatchObject({
      usedAt: now + 99,
      vouchedAt: now + 10,
      expiresAt: now + 5000,
    });
  });

  test("use makes no new version: nobody has to read it at once", () => {
    const used = after(
      touch(living(), now, { key, birth: "a", use: { usedAt: now + 1, vouchedAt: now, expiresAt: null } }),
    );
    expect(used.keys[key]?.version).toBe(living().keys[key]?.version);
  });
});

describe("endQuietly", () => {
  const end = (isRefuted: boolean, birth = "a") => ({
    key,
    birth,
    reason: "idle",
    isRefuted: () => isRefuted,
  });

  test("takes the session out, with a number that refuses what is under way", () => {
    const begun = after(beginAs(living(), "b", now, first));
    const step = endQuietly(begun, now, end(false));
    expect(step.outcome).toMatchObject({ kind: "ended", live: { birth: "a" } });
    expect(after(step).keys[key]).toMatchObject({ live: null, lease: null, reason: "idle", endedAt: 0 });
    expect(commitAs(after(step), "b", now, first).outcome).toEqual({ kind: "ended" });
  });

  test("leaves it where another node knows better, and where it is another session by now", () => {
    expect(endQuietly(living(), now, end(true))).toEqual({ outcome: { kind: "refuted" } });
    expect(endQuietly(living(), now, end(false, "other"))).toEqual({
      outcome: { kind: "ended", live: null },
    });
  });
});

describe("restore", () => {
  const live = living().keys[key]!.live!;
  const give = (record: SubjectRecord, generation = 1, epochs = none) =>
    restore(record, now + 500, { key, live: { ...live, generation }, epochs });

  test("gives a session back to a store that knows nothing of it, with the ends before it", () => {
    const step = give(unknownSubject, 1, { key: 7, subject: 8 });
    expect(step.outcome).toBe("restored");
    expect(after(step)).toMatchObject({ epoch: 8, keys: { [key]: { epoch: 7, live: { birth: "a" } } } });
    expect(after(step).keys[key]?.version).toBe(now + 500);
  });

  test("gives back a generation that was lost, with a higher version", () => {
    const step = give(living(), 2);
    expect(step.outcome).toBe("restored");
    expect(after(step).keys[key]?.version).toBeGreaterThan(living().keys[key]!.version);
  });

  test("says yes and writes nothing where another node was faster, or has renewed it since", () => {
    expect(give(living(), 1)).toEqual({ outcome: "restored" });
    const renewed = after(commitAs(after(beginAs(living(), "b", now, first)), "b", now, first));
    expect(give(renewed, 1)).toEqual({ outcome: "restored" });
  });

  test.each<[string, SubjectRecord]>([
    ["another session has begun", after(commitAs(leased("b"), "b"))],
    ["a login is under way", leased("b")],
    ["the subject was ended", { ...unknownSubject, epoch: 1 }],
    [
      "the key was ended",
      { ...unknownSubject, keys: { [key]: { ...leased().keys[key]!, lease: null, epoch: 1 } } },
    ],
  ])("gives nothing back where %s", (_, record) => {
    expect(give(record)).toEqual({ outcome: "ended" });
  });
});
