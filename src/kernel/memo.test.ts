import { expect, test } from "vitest";
import { createMemo } from "./memo.ts";

/** A memo of lengths that says how often it had to count. */
function counting(most: number): { readonly length: (text: string) => number; made(): number } {
  let made = 0;
  const length = createMemo(most, (text) => {
    made += 1;
    return text.length;
  });
  return { length, made: () => made };
}

test("works a text out once", () => {
  const { length, made } = counting(10);
  expect([length("abc"), length("abc"), length("de")]).toEqual([3, 3, 2]);
  expect(made()).toBe(2);
});

test("begins anew when it is full", () => {
  const { length, made } = counting(2);
  for (const text of ["a", "b", "c", "c", "a"]) expect(length(text)).toBe(1);
  expect(made()).toBe(4);
});

test("keeps no long text", () => {
  const { length, made } = counting(10);
  const text = "x".repeat(513);
  expect([length(text), length(text)]).toEqual([513, 513]);
  expect(made()).toBe(2);
});
