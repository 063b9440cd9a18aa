/*
 * A notice that a node did not understand threw in the listener of the bus, which is the Redis client's: a rolling upgrade
 * could have ended the process.
 */
import { expect, test } from "vitest";
import { createSeal } from "../../src/store/seal.ts";
import { createSessionNodes } from "../support/session-nodes.ts";

const seal = createSeal([`secret ${"x".repeat(32)}`]);

test.each([
  { kind: "failed", key: "0".repeat(64), code: "QSP-OF-A-LATER-VERSION", retryAfter: null },
  { kind: "ended", tag: "0".repeat(32), sessions: [], reason: "of a later version" },
])("a notice that this version does not understand is passed over: $kind", async (notice) => {
  const nodes = createSessionNodes();
  nodes.start();
  await nodes.pass(1000);
  const message = seal.seal("bus", JSON.stringify({ node: "later", sequence: 1, notice, isLast: false }));
  // A Redis client calls the listener from its parser: what it throws ends the process.
  await expect(nodes.core.publish(message)).resolves.toBeUndefined();
});
