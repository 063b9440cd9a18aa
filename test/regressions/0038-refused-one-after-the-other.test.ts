/*
 * Requests that had joined one that the host refused were tried again, one after the other, each asking the host.
 */
import { expect, test } from "vitest";
import { createSessionNodes } from "../support/session-nodes.ts";

const ann = { subject: "ann" };

test("forty requests of a user whom the host no longer vouches for are refused together, not one after the other", async () => {
  const nodes = createSessionNodes();
  const a = nodes.start();
  await nodes.pass(1000);
  let asked = 0;
  const again = (): Promise<null> => {
    asked += 1;
    return new Promise((resolve) => void nodes.clock.setTimer(1000, () => resolve(null)));
  };
  let refused = 0;
  for (let request = 0; request < 40; request += 1) {
    Promise.resolve(a.manager.acquire({ identity: ann, at: a.clock.now(), again })).catch(
      () => (refused += 1),
    );
  }
  await nodes.pass(5000);
  expect({ refused, asked }).toEqual({ refused: 40, asked: expect.any(Number) as number });
});
