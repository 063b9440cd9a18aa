import { describe, expect, test } from "vitest";
import { randomId, traceId } from "./random.ts";

describe("randomId", () => {
  test("holds as many bytes as asked for", () => {
    expect(Buffer.from(randomId(24), "base64url")).toHaveLength(24);
    expect(randomId(16, "hex")).toMatch(/^[0-9a-f]{32}$/);
  });

  test("fits into a URL, a header and a cookie without escaping", () => {
    for (let n = 0; n < 200; n += 1) expect(randomId(18)).toMatch(/^[A-Za-z0-9_-]{24}$/);
  });
});

describe("traceId", () => {
  test("is 32 hex digits and never the same twice", () => {
    const ids = new Set(Array.from({ length: 1000 }, traceId));
    expect(ids.size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });
});
