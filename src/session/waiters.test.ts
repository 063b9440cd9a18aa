import { describe, expect, test } from "vitest";
import { createManualClock } from "../../test/support/manual-clock.ts";
import { settle } from "../../test/support/session-nodes.ts";
import { Waiters } from "./waiters.ts";

/** Waits for a key from now on; says how it ended. */
function waitFor(
  waiters: Waiters,
  key: string,
  ms = 1000,
): { outcome: string | null; readonly close: () => void } {
  const watch = waiters.watch(key);
  const waiting: { outcome: string | null; readonly close: () => void } = {
    outcome: null,
    close: watch.close,
  };
  watch.wait(ms).then(
    () => (waiting.outcome = "look"),
    (error: Error) => (waiting.outcome = error.message),
  );
  return waiting;
}

describe("Waiters", () => {
  test("everybody who waits for a key is woken by what is heard of it, with its failure if there is one", async () => {
    const waiters = new Waiters(createManualClock());
    const [one, two, other] = ["a", "a", "b"].map((key) => waitFor(waiters, key));
    waiters.wake("a", new Error("refused"));
    waiters.wake("b", null);
    await settle();
    expect([one?.outcome, two?.outcome, other?.outcome]).toEqual(["refused", "refused", "look"]);
  });

  test("who hears nothing looks after its time, and no later word disturbs it", async () => {
    const clock = createManualClock();
    const waiters = new Waiters(clock);
    const waiting = waitFor(waiters, "a");
    clock.advance(999);
    await settle();
    expect(waiting.outcome).toBeNull();
    clock.advance(1);
    await settle();
    waiters.wake("a", new Error("late"));
    await settle();
    expect(waiting.outcome).toBe("look");
  });

  test("what was heard before the waiting began is not missed", async () => {
    const waiters = new Waiters(createManualClock());
    const watch = waiters.watch("a");
    waiters.wake("a", null);
    await expect(watch.wait(60_000)).resolves.toBeUndefined();
  });

  test("who has stopped listening hears nothing, and the others of the key still do", async () => {
    const waiters = new Waiters(createManualClock());
    const [gone, stays] = [waitFor(waiters, "a"), waitFor(waiters, "a")];
    gone.close();
    gone.close();
    waiters.wakeAll();
    await settle();
    expect([gone.outcome, stays.outcome]).toEqual([null, "look"]);
  });
});
