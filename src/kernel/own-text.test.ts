import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { createCookieJar } from "../http/cookie-jar.ts";
import { createMemo } from "./memo.ts";
import { ownText } from "./own-text.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const mebibyte = 1024 * 1024;

/** Bytes that stay in memory of forty texts of half a mebibyte, when `keep` has had a piece of each. */
function heldBy(keep: (piece: string, index: number) => unknown): number {
  const kept: unknown[] = [];
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 40; index += 1) {
    const whole = Buffer.alloc(mebibyte / 2, `${index} of many answers; `).toString("latin1");
    kept.push(keep(whole.slice(100_000 + index, 100_040 + index), index));
  }
  collect();
  const held = process.memoryUsage().heapUsed - before;
  expect(kept).toHaveLength(40);
  return held;
}

test("a piece of a text keeps all of it, and a copy does not", () => {
  expect(heldBy((piece) => piece)).toBeGreaterThan(15 * mebibyte);
  expect(heldBy(ownText)).toBeLessThan(5 * mebibyte);
});

test.each(["", "plain", "caf\u00e9", "\u20ac\ud83d\ude00\ud800", "x".repeat(5000)])(
  "is the same text",
  (text) => {
    expect(ownText(text)).toBe(text);
  },
);

test("what is remembered of an answer's texts keeps nothing of the answer", () => {
  const same = createMemo(100, (text) => text);
  expect(heldBy(same)).toBeLessThan(5 * mebibyte);
});

test("a cookie in a jar keeps nothing of the answer that it came with", () => {
  const held = heldBy((piece, index) => {
    const jar = createCookieJar({ host: "tenant.example", secure: true });
    const whole = `${index}=${piece.replaceAll(";", "")}; Path=/; Secure`.padEnd(mebibyte / 2, " ");
    // As a header of a head: cut out of it.
    jar.absorb([Buffer.from(whole).toString("latin1").slice(0, 60)], Date.now());
    return jar;
  });
  expect(held).toBeLessThan(5 * mebibyte);
});
