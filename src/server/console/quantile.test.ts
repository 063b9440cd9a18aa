import { expect, test } from "vitest";
import { Histogram } from "../metrics/instruments.ts";
import { quantile } from "./quantile.ts";

function countsOf(...values: readonly number[]): readonly number[] {
  const histogram = new Histogram();
  for (const value of values) histogram.observe(value);
  return histogram.counts;
}

test("nothing that was observed has no quantile", () => {
  expect(quantile(countsOf(), 0.95)).toBeNull();
});

test.each<[readonly number[], number, number]>([
  [[3, 3, 3, 3], 0.5, 3.8],
  [[3, 3, 3, 3], 1, 5],
  [[1, 1, 1, 700], 0.5, 0.7],
  [[1, 1, 1, 700], 0.95, 900],
  [[90_000], 0.5, 60_000],
])("of %j, %d lies at %d", (values, share, expected) => {
  expect(quantile(countsOf(...values), share)).toBe(expected);
});

test("a time that goes backwards counts as none", () => {
  const histogram = new Histogram();
  histogram.observe(-5);
  expect([histogram.sum, histogram.counts[0]]).toEqual([0, 1]);
});
