import { describe, expect, test } from "vitest";
import { createEnds } from "./ends.ts";

function setUp(keepFor = 60_000) {
  let now = 1_000_000;
  const clock = { now: () => now, setTimer: () => () => {} };
  return { ends: createEnds(clock, keepFor), now: () => now, pass: (ms: number) => (now += ms) };
}

describe("createEnds", () => {
  test("a host session that was logged out never comes back under its id", () => {
    const { ends, now, pass } = setUp();
    ends.endKey("key");
    pass(10_000);
    expect(ends.admits("key", { subject: "ann", sessionId: "1" }, now())).toBe(false);
    expect(ends.admits("other key", { subject: "ann", sessionId: "2" }, now())).toBe(true);
  });

  test("without a host session id, only a word of the host of more than two seconds later opens a session", () => {
    const { ends, now, pass } = setUp();
    ends.endKey("key");
    const endedAt = now();
    pass(10_000);
    expect(ends.admits("key", { subject: "ann" }, endedAt)).toBe(false);
    expect(ends.admits("key", { subject: "ann" }, endedAt + 2000)).toBe(false);
    expect(ends.admits("key", { subject: "ann" }, endedAt + 2001)).toBe(true);
  });

  test("a revoked subject is blocked under every key for as long as asked", () => {
    const { ends, now, pass } = setUp();
    ends.endSubject("ann", 30_000);
    pass(29_999);
    expect(ends.admits("key", { subject: "ann", sessionId: "new" }, now())).toBe(false);
    expect(ends.admits("key", { subject: "bob", sessionId: "new" }, now())).toBe(true);
    pass(1);
    expect(ends.admits("key", { subject: "ann", sessionId: "new" }, now())).toBe(true);
  });

  test("every end changes the epoch of the key, so a login begun before it can tell", () => {
    const { ends } = setUp();
    const before = ends.epoch("key", "ann");
    ends.endKey("key");
    const between = ends.epoch("key", "ann");
    ends.endSubject("ann", 0);
    expect(new Set([before, between, ends.epoch("key", "ann")]).size).toBe(3);
  });

  test("an end is remembered as long as anything could write after it, and not for ever", () => {
    const { ends, now, pass } = setUp(60_000);
    ends.endKey("key");
    pass(59_999);
    ends.endKey("another");
    expect(ends.admits("key", { subject: "ann", sessionId: "1" }, now())).toBe(false);
    pass(1);
    ends.endKey("a third");
    expect(ends.admits("key", { subject: "ann", sessionId: "1" }, now())).toBe(true);
  });
});
