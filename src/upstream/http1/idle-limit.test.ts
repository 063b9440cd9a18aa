import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createLatch } from "../../../test/support/latch.ts";
import { IdleLimit } from "./idle-limit.ts";

test("tells of a rest that is too long, once", async () => {
  const told = createLatch();
  let times = 0;
  const limit = new IdleLimit(() => {
    times += 1;
    told.open();
  });
  limit.start(5);
  await told.opened;
  await sleep(20);
  expect(times).toBe(1);
});

test("tells of nothing that is used, nor of what is gone, and of the next rest when its time comes", async () => {
  const times: number[] = [];
  const begun = performance.now();
  const told = createLatch();
  const limit = new IdleLimit(() => {
    times.push(performance.now() - begun);
    told.open();
  });
  limit.start(10);
  limit.stop();
  await sleep(30);
  expect(times).toEqual([]);
  limit.start(40);
  // A shorter rest is not told at the end of a longer one.
  limit.stop();
  limit.start(10);
  await told.opened;
  expect(times).toHaveLength(1);
  limit.start(10);
  limit.close();
  await sleep(30);
  expect(times).toHaveLength(1);
});

test("a rest that begins while the timer runs has its whole time", async () => {
  const told = createLatch();
  let at = 0;
  const limit = new IdleLimit(() => {
    at = performance.now();
    told.open();
  });
  limit.start(30);
  await sleep(20);
  limit.stop();
  const begun = performance.now();
  limit.start(30);
  await told.opened;
  expect(at - begun).toBeGreaterThan(28);
});
