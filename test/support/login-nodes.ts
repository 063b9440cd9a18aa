import { setImmediate } from "node:timers";
import { expect } from "vitest";
import { SessionProxyError } from "../../src/errors.ts";
import type { GateRecord } from "../../src/session/gate-record.ts";
import {
  createLoginQueue,
  type GatePort,
  type LoginQueue,
  type LoginTurn,
  type LoginWish,
} from "../../src/session/login-queue.ts";
import { createManualClock, type ManualClock } from "./manual-clock.ts";

/** The longest that a user waits for a turn at these nodes. Milliseconds. */
export const longestWait = 10_000;

/** Who wanted to log in, and what the answer was. */
export interface Entry {
  readonly subject: string;
  turn: LoginTurn | null;
  error: { readonly code?: string; readonly retryAfter?: number } | null;
  /** When the answer came: milliseconds since the beginning. */
  at: number | null;
}

/** Login queues of several nodes over one record. */
export interface LoginNodes {
  readonly clock: ManualClock;
  readonly store: { calls: number; mostUnderway: number; isDown: boolean };
  /** The first node's. */
  readonly queue: LoginQueue;
  /** One more node; `latency` is its way to the store. Milliseconds. */
  node(latency?: number): LoginQueue;
  /** Lets time pass, `stride` milliseconds at a time, so that what follows from a timer happens at its time. */
  run(ms: number, stride?: number): Promise<void>;
  /** Wishes to log in, at the first node unless another is named. */
  enter(subject: string, wish?: Partial<LoginWish> & { readonly queue?: LoginQueue }): Entry;
  enterAll(count: number, prefix?: string): Entry[];
  /** Takes the burst that the limit allows, or so many of it, so that everybody after it waits. */
  exhaust(count?: number): Promise<void>;
  /** Reports what became of a login, and waits until the store has it. */
  tell(entry: Entry | undefined, failure: SessionProxyError | null): Promise<void>;
}

/** Starts one node, with `latency` milliseconds to the store and as many back. */
export function startLoginNodes({
  perMinute = 60,
  latency = 1,
}: { readonly perMinute?: number; readonly latency?: number } = {}): LoginNodes {
  const clock = createManualClock();
  const start = clock.now();
  const { store, gateAt } = createStore(clock);
  const node = (way = latency): LoginQueue =>
    createLoginQueue({
      tenantOrigin: "https://acme.eu.qlikcloud.com",
      clock,
      perMinute,
      longestWait,
      signingKey: "key",
      gate: gateAt(way),
    });
  const first = node();

  const flush = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  const run = async (ms: number, stride = 25): Promise<void> => {
    await flush();
    for (let passed = 0; passed < ms; passed += stride) {
      clock.advance(Math.min(stride, ms - passed));
      await flush();
    }
  };

  const enter: LoginNodes["enter"] = (subject, { queue = first, background = false, ...rest } = {}) => {
    const entry: Entry = { subject, turn: null, error: null, at: null };
    void queue
      .enter(subject, { background, ...rest })
      .then((turn) => (entry.turn = turn))
      .catch((error: unknown) => (entry.error = error as Entry["error"]))
      .finally(() => (entry.at = clock.now() - start));
    return entry;
  };

  const enterAll = (count: number, prefix = "user"): Entry[] =>
    Array.from({ length: count }, (_, index) => enter(`${prefix} ${index}`));

  return {
    clock,
    store,
    queue: first,
    node,
    run,
    enter,
    enterAll,
    async exhaust(count = perMinute) {
      const entries = enterAll(count, "early");
      await run(10, 1);
      expect(served(entries)).toHaveLength(count);
    },
    async tell(entry, failure) {
      if (failure) entry?.turn?.failed(failure);
      else entry?.turn?.succeeded();
      await run(10, 1);
    },
  };
}

/** One document with compare and swap. */
function createStore(clock: ManualClock): {
  readonly store: LoginNodes["store"];
  readonly gateAt: (latency: number) => GatePort;
} {
  const store = { calls: 0, mostUnderway: 0, isDown: false };
  let underway = 0;
  let record: GateRecord | null = null;
  let version = 0;
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => void clock.setTimer(ms, () => resolve()));

  const gateAt =
    (latency: number): GatePort =>
    async (step) => {
      store.calls += 1;
      underway += 1;
      store.mostUnderway = Math.max(store.mostUnderway, underway);
      try {
        for (;;) {
          if (store.isDown) throw new SessionProxyError("QSP-STORE");
          const [read, text, now] = [version, JSON.stringify(record), clock.now()];
          await pause(latency);
          const { record: next, outcome } = step(JSON.parse(text) as GateRecord | null, now);
          if (next === undefined) return outcome;
          await pause(latency);
          if (read !== version) continue;
          version += 1;
          record = next;
          return outcome;
        }
      } finally {
        underway -= 1;
      }
    };

  return { store, gateAt };
}

/** The subjects that got a turn, in the order of their turns. */
export function served(entries: readonly Entry[]): string[] {
  return entries
    .filter(({ turn }) => turn !== null)
    .sort((one, other) => (one.at ?? 0) - (other.at ?? 0))
    .map(({ subject }) => subject);
}

/** The codes of the answers; undefined where there is a turn, or no answer yet. */
export function codes(entries: readonly Entry[]): (string | undefined)[] {
  return entries.map(({ error }) => error?.code);
}
