import { describe, expect, test } from "vitest";
import { codes, startLoginNodes } from "../../test/support/login-nodes.ts";
import { SessionProxyError } from "../errors.ts";

const throttled = new SessionProxyError("QSP-TENANT-THROTTLED", { retryAfter: 3600 });

describe("a login queue with another signing key", () => {
  test("is not held back by what the one before it has met", async () => {
    const { queue, enter, run, tell } = startLoginNodes();
    const first = enter("ann");
    await run(10, 1);
    await tell(first, throttled);
    expect(queue.closed).toBe(true);
    queue.signWith("other");
    expect(queue.closed).toBe(false);
    const next = enter("bob");
    await run(10, 1);
    expect(next.turn).not.toBeNull();
    queue.signWith("key");
    const back = enter("carl");
    await run(10, 1);
    expect(codes([back])).toEqual(["QSP-TENANT-THROTTLED"]);
  });

  test("is told nothing of logins that were begun with the one before it", async () => {
    const { queue, enter, run, tell } = startLoginNodes();
    const begun = enter("ann");
    await run(10, 1);
    queue.signWith("other");
    await tell(begun, throttled);
    expect(queue.closed).toBe(false);
  });

  test("gives a turn to who waits for the answer to a question of before", async () => {
    const { queue, enter, run } = startLoginNodes({ latency: 20 });
    const waiting = enter("ann");
    await run(5, 1);
    queue.signWith("other");
    await run(100, 5);
    expect(waiting.turn).not.toBeNull();
  });
});
