import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSessionKeys, tagOf } from "./session-key.ts";

const keys = createSessionKeys("https://tenant.example", Buffer.alloc(32, 7));

describe("createSessionKeys", () => {
  test("a key is 64 hex digits, and begins with the tag of its subject", () => {
    const owners = [
      { subject: "ann" },
      { subject: "ann", sessionId: "s1" },
      { subject: "ann", sessionId: "" },
    ];
    const made = owners.map((owner) => keys.keyOf(owner));
    for (const key of made) {
      expect(key).toMatch(/^[0-9a-f]{64}$/);
      expect(tagOf(key)).toBe(keys.tagOf("ann"));
    }
    expect(new Set(made).size).toBe(made.length);
    expect(keys.tagOf("ann")).toMatch(/^[0-9a-f]{32}$/);
  });

  test("the part after the tag, which log lines show, says nothing of another user with the same session id", () => {
    const [ann, bob] = ["ann", "bob"].map((subject) => keys.keyOf({ subject, sessionId: "s1" }).slice(32));
    expect(ann).not.toBe(bob);
  });

  test("a subject in a log line is 16 hex digits, and not the name of its document", () => {
    expect(keys.hashOf("ann")).toMatch(/^[0-9a-f]{16}$/);
    expect(keys.tagOf("ann").startsWith(keys.hashOf("ann"))).toBe(false);
  });

  test("another tenant and another index key have other keys", () => {
    const owner = { subject: "ann", sessionId: "s" };
    const others = [
      createSessionKeys("https://other.example", Buffer.alloc(32, 7)),
      createSessionKeys("https://tenant.example", Buffer.alloc(32, 8)),
    ];
    for (const other of others) {
      expect(other.keyOf(owner)).not.toBe(keys.keyOf(owner));
      expect(other.tagOf("ann")).not.toBe(keys.tagOf("ann"));
      expect(other.hashOf("ann")).not.toBe(keys.hashOf("ann"));
    }
    expect(createSessionKeys("https://tenant.example", Buffer.alloc(32, 7)).keyOf(owner)).toBe(
      keys.keyOf(owner),
    );
  });

  test("two owners have the same key only if they are the same, wherever their parts are cut", () => {
    const part = fc.string({ unit: fc.constantFrom("a", "b", "|", "\0", "é"), maxLength: 4 });
    const owner = fc.record({ subject: part, sessionId: fc.option(part, { nil: undefined }) });
    const isSame = (a: object, b: object): boolean => JSON.stringify(a) === JSON.stringify(b);
    const keyed = createSessionKeys("t", randomBytes(32));
    const keyOf = ({ subject, sessionId }: { subject: string; sessionId: string | undefined }): string =>
      keyed.keyOf({ subject, ...(sessionId === undefined ? {} : { sessionId }) });
    fc.assert(
      fc.property(owner, owner, (one, other) => {
        expect(keyOf(one) === keyOf(other)).toBe(isSame(one, other));
        expect(keyed.tagOf(one.subject) === keyed.tagOf(other.subject)).toBe(one.subject === other.subject);
      }),
      { numRuns: 500 },
    );
  });
});
