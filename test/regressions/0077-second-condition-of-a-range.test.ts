/*
 * A part of a body is not asked for under a tag of ours, since the tenant's bytes are others than those that the browser has.
 * Only the first `If-Range` was looked at: a second one went on with our suffix, and the range with it.
 */
import { expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test("a range under two conditions is not asked for if one of them is a tag of ours", async () => {
  const { stack, upstream } = await started.raw();
  const conditions = ['"a"', 'W/"a;qsp-suffix"'];
  for (const ifRange of [conditions, conditions.toReversed()]) {
    await stack.get("/api/v1/items", { headers: { range: "bytes=0-1", "if-range": ifRange } });
    const sent = upstream.seen.at(-1);
    expect([sent?.header("range"), sent?.header("if-range")]).toEqual([undefined, undefined]);
  }
});
