import { expect, test } from "vitest";
import { atMost, within } from "./deadline.ts";

const never = new Promise<never>(() => {});

test("work that is done in time gives its value or its error", async () => {
  expect(await within(1000, Promise.resolve(7), () => new Error("late"))).toBe(7);
  await expect(within(1000, Promise.reject(new Error("own")), () => new Error("late"))).rejects.toThrow(
    "own",
  );
});

test("work that is not done in time gives the error that was asked for", async () => {
  await expect(within(1, never, () => new Error("late"))).rejects.toThrow("late");
});

test("waiting at most so long goes on without the work, and hears of its failure", async () => {
  await atMost(1, never);
  await expect(atMost(1000, Promise.reject(new Error("own")))).rejects.toThrow("own");
});
