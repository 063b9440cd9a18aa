import { describe, expect, test } from "vitest";
import { withoutOverdue } from "./overdue.ts";
import {
  unknownKey,
  unknownSubject,
  type KeyRecord,
  type Live,
  type SubjectRecord,
} from "./subject-record.ts";

const now = 1_700_000_000_000;
const limits = { idleTimeout: 8000, maxLifetime: 100_000 };
const keepFor = 50_000;
const at: Live = {
  birth: "b",
  token: "b",
  generation: 1,
  subject: "ann",
  hasHostSession: false,
  openedAt: now,
  createdAt: now,
  usedAt: now,
  vouchedAt: now,
  expiresAt: null,
  content: "kept",
};

const recordOf = (known: Partial<KeyRecord>): SubjectRecord => ({
  ...unknownSubject,
  epoch: 3,
  keys: { k: { ...unknownKey, changedAt: now, ...known } },
});
const tidy = (known: Partial<KeyRecord>, after: number) =>
  withoutOverdue(recordOf(known), now + after, { limits, keepFor, useOf: () => null });

describe("withoutOverdue", () => {
  test.each<[string, Partial<Live>, number, string]>([
    ["the host's word ran out", { expiresAt: now + 500 }, 500, "expired"],
    ["its longest life is over, however it is used", { usedAt: now + 99_999 }, 100_000, "lifetime"],
    ["it was not used, and nobody can have shared a later use", {}, 9000, "idle"],
  ])("takes a session out when %s, to the millisecond", (_, change, after, reason) => {
    const live = { ...at, ...change };
    expect(tidy({ live }, after - 1).ended).toEqual([]);
    const { record, ended } = tidy({ live }, after);
    expect(ended).toEqual([{ key: "k", reason, live }]);
    expect(record.keys["k"]).toMatchObject({
      live: null,
      lease: null,
      reason,
      epoch: now + after,
      endedAt: 0,
    });
  });

  test("gives back the very record where nothing is over", () => {
    const record = recordOf({ live: at });
    expect(withoutOverdue(record, now + 10, { limits, keepFor, useOf: () => null }).record).toBe(record);
  });

  test("forgets a key that nothing can contradict any more, and not before", () => {
    expect(Object.keys(tidy({ epoch: 1 }, keepFor - 1).record.keys)).toEqual(["k"]);
    expect(tidy({ epoch: 1 }, keepFor).record).toMatchObject({ epoch: 3, keys: {} });
  });

  test("keeps a key with a login under way", () => {
    const lease = { token: "t", until: now + keepFor + 1 };
    expect(Object.keys(tidy({ lease }, keepFor).record.keys)).toEqual(["k"]);
    expect(Object.keys(tidy({ lease }, keepFor + 1).record.keys)).toEqual([]);
  });
});
