import { expect, test } from "vitest";
import { untilSteady } from "../../bench/warm-up.ts";

/** Warms up something that costs what the list says, and says how often it was looked at. */
async function looksAt(costs: readonly number[], most: number, spent: number): Promise<number> {
  let looks = 0;
  await untilSteady(most, () =>
    Promise.resolve({ cost: costs[looks++] ?? costs.at(-1) ?? Number.NaN, spent }),
  );
  return looks;
}

test("goes on while each look costs less than the one before", async () => {
  expect(await looksAt([400, 300, 220, 150, 100, 99, 101], 60, 0.5)).toBe(7);
});

test("does not take one look like the one before for the end", async () => {
  expect(await looksAt([400, 398, 200, 120, 119, 118], 60, 0.5)).toBe(6);
});

test("ends when enough CPU was spent, however it goes on", async () => {
  expect(await looksAt([900, 700, 500, 300, 200, 100], 2, 0.5)).toBe(4);
});

test("ends for one that never spends anything", async () => {
  expect(await looksAt([900, 10, 900, 10, 900, 10, 900], 1, 0)).toBe(5);
});
