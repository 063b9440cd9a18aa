import { describe, expect, test } from "vitest";
import { AdminRefusal } from "./admin-answer.ts";
import { parseOrder, parseQuery, toRevokeOrder } from "./admin-order.ts";

const key = "0123456789abcdef".repeat(4);

/** What a call gives, or the detail of its refusal. */
function outcomeOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof AdminRefusal)) throw error;
    return error.status === 400 ? error.detail : error.status;
  }
}

describe("toRevokeOrder", () => {
  test("takes a subject with and without a time to stay out, and a key", () => {
    expect(toRevokeOrder({ subject: "acme|ann" })).toEqual({ subject: "acme|ann", blockFor: 0 });
    expect(toRevokeOrder({ subject: "ann", blockFor: "10m" })).toEqual({ subject: "ann", blockFor: 600_000 });
    expect(toRevokeOrder({ key })).toEqual({ key });
  });

  test.each([
    ["nothing", {}, "exactly one"],
    ["both", { subject: "ann", key }, "exactly one"],
    ["an empty subject", { subject: "" }, "subject must have 1 to 256 characters"],
    ["a subject that no host can name", { subject: "a".repeat(257) }, "256"],
    ["a subject with half a character", { subject: "a\ud800" }, "subject"],
    ["a subject with a line break", { subject: "a\nb" }, "control"],
    ["a subject that is a number", { subject: 7 }, "subject must be a string"],
    ["a subject that is null", { subject: null }, "subject"],
    ["a shortened key", { key: key.slice(0, 12) }, "64 hex digits"],
    ["a key in capitals", { key: key.toUpperCase() }, "64 hex digits"],
    ["a bare number", { subject: "ann", blockFor: 600 }, "such as 10m"],
    ["a number as text", { subject: "ann", blockFor: "600" }, "such as 10m"],
    ["more than a year", { subject: "ann", blockFor: "366d" }, "365d"],
    ["a time with a key", { key, blockFor: "10m" }, "blockFor goes with subject"],
  ])("refuses %s", (_what, given, detail) => {
    expect(outcomeOf(() => toRevokeOrder(given))).toContain(detail);
  });
});

describe("parseOrder", () => {
  test("reads an order, and what describes the event beside it", () => {
    const text = '{"type":"user.disabled","timestamp":"2026-01-01T00:00:00Z","subject":"Zo\u00eb"}';
    expect(parseOrder(Buffer.from(text))).toEqual({ subject: "Zo\u00eb", blockFor: 0 });
  });

  test.each([
    ["no JSON", "subject=ann", "JSON"],
    ["nothing", "", "JSON"],
    ["a list", '["ann"]', "JSON object"],
    ["null", "null", "JSON object"],
    ["a member that is none", '{"subject":"ann","blockfor":"10m"}', "nothing else"],
    ["bytes that are no UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), "UTF-8"],
  ])("refuses %s", (_what, body, detail) => {
    expect(outcomeOf(() => parseOrder(Buffer.from(body as string)))).toContain(detail);
  });
});

describe("parseQuery", () => {
  const names = ["subject", "limit"];

  test("reads what is percent-encoded", () => {
    expect(parseQuery("subject=acme%7Cann%2Btag%20%C3%AB&limit=3", names)).toEqual({
      subject: "acme|ann+tag \u00eb",
      limit: "3",
    });
    expect(parseQuery("", names)).toEqual({});
  });

  test.each([
    ["another name", "subjekt=ann", "nothing else"],
    ["a name twice", "subject=ann&subject=bob", "more than once"],
    ["a plus, which could be a space", "subject=ann+tag", "%2B"],
    ["what is no UTF-8", "subject=%ff", "percent-encoded"],
    ["half an escape", "subject=%4", "percent-encoded"],
    ["a name that every object has", "__proto__=x", "nothing else"],
  ])("refuses %s", (_what, text, detail) => {
    expect(outcomeOf(() => parseQuery(text, names))).toContain(detail);
  });
});
