import { afterEach, expect, test } from "vitest";
import { publish } from "../../kernel/channels.ts";
import type { NotableEvent } from "../console/recent-events.ts";
import { forwardEvents } from "./forward-events.ts";

let stop = (): void => {};
afterEach(() => stop());

/** Whatever was sent, and the timers that were asked for. */
function forward(): { readonly sent: readonly NotableEvent[][]; readonly timers: (() => void)[] } {
  const sent: NotableEvent[][] = [];
  const timers: (() => void)[] = [];
  const clock = {
    now: () => 7,
    setTimer: (_ms: number, task: () => void) => {
      timers.push(task);
      return () => {};
    },
  };
  stop = forwardEvents(clock, (events) => sent.push([...events]));
  return { sent, timers };
}

const happen = (reason: string, level: "warn" | "debug" = "warn"): void =>
  publish("policy", () => ({ event: "config.warned", level, reason }));

test("whatever happens within one pause is one message, with the last that can be shown", () => {
  const { sent, timers } = forward();
  for (let count = 1; count <= 500; count += 1) happen(`no ${count}`);
  expect([sent.length, timers.length]).toEqual([0, 1]);
  timers.shift()?.();
  expect(sent.map((events) => events.length)).toEqual([200]);
  expect(sent[0]?.[0]).toMatchObject({ at: 7, level: "warn", event: "config.warned", reason: "no 301" });
  expect(sent[0]?.at(-1)?.reason).toBe("no 500");
});

test("nothing is sent where nothing is worth it, and later events have a message of their own", () => {
  const { sent, timers } = forward();
  happen("of no interest", "debug");
  publish("exchange", () => ({ event: "exchange.finished" }));
  expect(timers).toEqual([]);
  for (const reason of ["one", "two"]) {
    happen(reason);
    timers.shift()?.();
  }
  expect(sent.map((events) => events.map(({ reason }) => reason))).toEqual([["one"], ["two"]]);
});
