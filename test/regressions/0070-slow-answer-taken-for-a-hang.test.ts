// A worker that had given no answer for ten seconds was taken for one that hangs, whatever it was asked: it was killed, and the
// next one was asked the same. `GET /sessions` over a large store killed one worker after the other, with all their traffic.
import { afterEach, expect, test } from "vitest";
import type { Crew } from "../../src/server/workers/crew.ts";
import { PeerGone } from "../../src/server/workers/peer.ts";
import { createTestCrew } from "../support/test-crew.ts";

let crew: Crew;
afterEach(() => crew.end());

const patience = { word: 400, work: 400 };

test("work that takes long is given up, and nobody is ended for it", async () => {
  crew = createTestCrew(() => ({ list: "wait" }), { patience });
  await crew.start();
  const slow = expect.objectContaining({ code: "QSP-STORE" });
  const asked = [crew.askOne("list", null), crew.askAll("list", null)];
  await Promise.all(asked.map((each) => expect(each).rejects.toEqual(slow)));
  expect(crew.serving).toEqual([1, 2]);
});

test("a worker that hangs is ended", async () => {
  crew = createTestCrew(() => ({ hashOf: "hang" }), { patience, count: 1 });
  await crew.start();
  await expect(crew.askOne("hashOf", "ann")).rejects.toBeInstanceOf(PeerGone);
});
