/*
 * A login reads a number before it begins and after it was made; if the number has changed, the user was logged out
 * meanwhile and the login is void. The number was the sum of two counts, and old ends are forgotten after their time:
 * one end forgotten and one end made gave the same sum, and a revoked user was let in. Every end has a number of its
 * own, larger than any before, also where the document that held the last one was forgotten.
 */
import { expect, test } from "vitest";
import { Ends } from "../../src/registry/ends.ts";
import { epochsOf, unknownSubject, type SubjectRecord } from "../../src/registry/subject-record.ts";
import { createManualClock } from "../support/manual-clock.ts";

const tag = "a".repeat(32);
const key = tag + "b".repeat(32);
const keepFor = 1000;

const ends: readonly (readonly [string, (each: Ends) => void])[] = [
  ["of the key", (each) => each.endKey(key, "logout", false)],
  ["of the subject", (each) => each.endSubject(tag, "revoked", 0)],
  ["of the subject, with a block", (each) => each.endSubject(tag, "revoked", 5000)],
];

const pairs = ends.flatMap(([oldName, old]) => ends.map(([name, end]) => [oldName, name, old, end] as const));

test.each(pairs)(
  "an old end %s is forgotten and a new end %s is made: a login under way sees it",
  (_oldName, _name, old, end) => {
    const clock = createManualClock();
    const write = (memory: Ends, record: SubjectRecord): SubjectRecord => {
      const applied = memory.apply(tag, record, clock.now(), 0);
      memory.learn(tag, applied.record, 0, memory.snapshot(tag));
      return applied.record;
    };
    const memory = new Ends(clock, keepFor);
    old(memory);
    const before = write(memory, unknownSubject);
    clock.advance(6 * keepFor);
    memory.forget();
    end(memory);
    const after = write(memory, unknownSubject);
    expect(epochsOf(after, key)).not.toEqual(epochsOf(before, key));
    expect(Math.max(...Object.values(epochsOf(after, key)))).toBeGreaterThan(
      Math.max(...Object.values(epochsOf(before, key))),
    );
  },
);
