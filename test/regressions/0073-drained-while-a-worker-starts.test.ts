// A worker that was just taking the place of a dead one when the drain began was left out of it. It went on to serve, and took
// connections to the end, where they were cut off; before it could be asked anything, the drain waited for it to its deadline.
import { once } from "node:events";
import cluster, { type Worker } from "node:cluster";
import { afterEach, expect, test } from "vitest";
import type { Crew } from "../../src/server/workers/crew.ts";
import { createTestCrew } from "../support/test-crew.ts";

let crew: Crew;
afterEach(() => crew.end());

test("a drain ends a worker that is being started, while the others finish", async () => {
  let isRestart = false;
  crew = createTestCrew(() => ({ drain: "wait", ...(isRestart ? { start: "wait" } : {}) }));
  await crew.start();
  isRestart = true;
  const forked = once(cluster, "fork") as Promise<[Worker]>;
  Object.values(cluster.workers ?? {})
    .at(-1)
    ?.process.kill("SIGKILL");
  const [starting] = await forked;
  const ended = once(starting, "exit");
  const drained = crew.drain(60_000, false);
  await ended;
  expect(crew.serving).toHaveLength(1);
  await crew.end();
  await drained;
});
