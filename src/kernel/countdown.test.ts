import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Countdown } from "./countdown.ts";

/** A countdown, and when it told. */
function observed(): { readonly countdown: Countdown; readonly told: number[]; readonly tell: () => void } {
  const told: number[] = [];
  return { countdown: new Countdown(), told, tell: () => told.push(performance.now()) };
}

test("tells of a wait that is too long, once", async () => {
  const { countdown, told, tell } = observed();
  countdown.start(5, tell);
  expect(countdown.isRunning).toBe(true);
  await expect.poll(() => told.length).toBe(1);
  expect(countdown.isRunning).toBe(false);
  await sleep(20);
  expect(told).toHaveLength(1);
});

test("tells of nothing that has come, and of nothing behind its end", async () => {
  const { countdown, told, tell } = observed();
  countdown.start(10, tell);
  countdown.stop();
  await sleep(30);
  countdown.start(10, tell);
  countdown.close();
  await sleep(30);
  expect(told).toEqual([]);
});

test("a wait that begins while an older timer runs has its whole time", async () => {
  const { countdown, told, tell } = observed();
  countdown.start(30, tell);
  await sleep(20);
  countdown.stop();
  const begun = performance.now();
  countdown.start(30, tell);
  await expect.poll(() => told.length).toBe(1);
  expect((told[0] ?? 0) - begun).toBeGreaterThan(28);
});

test("a wait that begins anew has its whole time again", async () => {
  const { countdown, told, tell } = observed();
  countdown.start(40, tell);
  await sleep(25);
  const begun = performance.now();
  countdown.refresh();
  await expect.poll(() => told.length).toBe(1);
  expect((told[0] ?? 0) - begun).toBeGreaterThan(38);
});

test("a short wait behind a long one is not told at the end of that", async () => {
  const { countdown, told, tell } = observed();
  countdown.start(60_000, () => {});
  countdown.stop();
  countdown.start(10, tell);
  await expect.poll(() => told.length).toBe(1);
  // The timer of an earlier wait must not be what the next one rests on.
  countdown.start(10, tell);
  await expect.poll(() => told.length).toBe(2);
});

test("what comes while the process is held up is not late", async () => {
  const { countdown, told, tell } = observed();
  countdown.start(5, tell);
  const stopped = new Promise<void>((resolve) => {
    setTimeout(() => {
      countdown.stop();
      resolve();
    }, 6);
  });
  const until = performance.now() + 30;
  while (performance.now() < until);
  await stopped;
  await sleep(10);
  expect(told).toEqual([]);
});
