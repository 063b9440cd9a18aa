/*
 * A login reads a number before it begins and after it was made; if the number has changed, the user was logged out
 * meanwhile and the login is void. The number was the sum of two counts, and old ends are forgotten after their time:
 * one end forgotten and one end made gave the same sum, and a revoked user was let in. Every end has a number of its
 * own, larger than any before.
 */
import { describe, expect, test } from "vitest";
import { createEnds, type Ends } from "../../src/session/ends.ts";
import { createManualClock } from "../support/manual-clock.ts";

const keepFor = 1000;

const ends: readonly (readonly [string, (ends: Ends) => void])[] = [
  ["of the key", (each) => each.endKey("key")],
  ["of the subject", (each) => each.endSubject("ann", 0)],
  ["of the subject, with a block", (each) => each.endSubject("ann", 5000)],
];

/** Makes the memory drop what is past its time. */
const forget = (each: Ends): void => {
  each.endKey("another");
  each.endSubject("somebody", 0);
};

const pairs = ends.flatMap(([oldName, old]) => ends.map(([name, end]) => [oldName, name, old, end] as const));

describe.each(pairs)("an old end %s is forgotten, and a new end %s is made", (_oldName, _name, old, end) => {
  test.each([
    ["before it", (memory: Ends): void => [forget, end].forEach((step) => step(memory))],
    ["after it", (memory: Ends): void => [end, forget].forEach((step) => step(memory))],
  ])("a login under way sees the new end where the old one goes %s", (_order, happen) => {
    const clock = createManualClock();
    const memory = createEnds(clock, keepFor);
    old(memory);
    clock.advance(6 * keepFor);
    const before = memory.epoch("key", "ann");
    happen(memory);
    expect(memory.epoch("key", "ann")).not.toBe(before);
    expect(memory.epoch("key", "ann")).toBeGreaterThan(before);
  });
});

test("no two ends leave the same number", () => {
  const clock = createManualClock();
  const memory = createEnds(clock, keepFor);
  const seen = new Set([memory.epoch("key", "ann")]);
  for (let turn = 0; turn < 30; turn += 1) {
    ends[turn % ends.length]?.[1](memory);
    seen.add(memory.epoch("key", "ann"));
    clock.advance((turn % 4) * 700);
  }
  expect(seen.size).toBe(31);
});
