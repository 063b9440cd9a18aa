import { afterEach, describe, expect, test, vi } from "vitest";
import { createTestClock, type TestClock } from "../../src/testing.ts";

const ordered = (clock: TestClock, waits: readonly number[]) => {
  const done: number[] = [];
  const cancels = waits.map((ms) => clock.setTimer(ms, () => done.push(ms)));
  return { done, cancels };
};

describe("a test clock", () => {
  afterEach(() => vi.useRealTimers());

  test("runs what falls due on the way, in its order and at its time", () => {
    const clock = createTestClock();
    const start = clock.now();
    const times: number[] = [];
    for (const ms of [3000, 1000, 2000, 9000]) clock.setTimer(ms, () => times.push(clock.now() - start));
    clock.advance(5000);
    expect(times.map((ms) => Math.floor(ms / 1000))).toEqual([1, 2, 3]);
    clock.advance(5000);
    expect(times).toHaveLength(4);
    expect(clock.now() - start).toBeGreaterThanOrEqual(10_000);
  });

  test("runs what work on the way orders anew, and ends all the same", () => {
    const clock = createTestClock();
    let runs = 0;
    const again = (): void => {
      runs += 1;
      clock.setTimer(0, again);
    };
    clock.setTimer(0, again);
    clock.advance(50);
    expect(runs).toBeGreaterThan(10);
    expect(runs).toBeLessThanOrEqual(51);
  });

  test("does not run what was cancelled, before or on the way", () => {
    const clock = createTestClock();
    const { done, cancels } = ordered(clock, [1000, 2000, 3000]);
    cancels[0]?.();
    clock.setTimer(1500, () => cancels[2]?.());
    clock.advance(5000);
    expect(done).toEqual([2000]);
  });

  test("runs by itself too: what is left of a wait passes with the machine's time", () => {
    vi.useFakeTimers();
    const clock = createTestClock();
    const { done } = ordered(clock, [1000, 60_000]);
    vi.advanceTimersByTime(999);
    expect(done).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(done).toEqual([1000]);
    clock.advance(58_000);
    expect(done).toEqual([1000]);
    vi.advanceTimersByTime(1000);
    expect(done).toEqual([1000, 60_000]);
  });

  test("waits longer than a timer of Node can", () => {
    vi.useFakeTimers();
    const clock = createTestClock();
    const month = 30 * 86_400_000;
    const { done } = ordered(clock, [month]);
    vi.advanceTimersByTime(month - 1);
    expect(done).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(done).toEqual([month]);
  });

  test("does not go back", () => {
    const clock = createTestClock();
    expect(() => clock.advance(-1)).toThrow(RangeError);
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError);
  });
});
