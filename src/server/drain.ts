import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { AnyServer } from "./listener.ts";

/** Watches what a listener has to do, so that it can stop without cutting anything off. */
export interface Traffic {
  /** Waits until no new connection came for a second. Rejects when the signal is aborted. */
  calm(signal: AbortSignal): Promise<void>;
  /** Waits until no request is in flight. Rejects when the signal is aborted. */
  idle(signal: AbortSignal): Promise<void>;
}

/** Without a new connection for this long, the front door has understood. Milliseconds. rules R11 */
const calmAfter = 1000;

/** Starts to watch a listener. */
export function watchTraffic(server: AnyServer): Traffic {
  let inFlight = 0;
  let lastConnectionAt = Number.NEGATIVE_INFINITY;
  const waiting = new Set<() => void>();
  server.on("connection", () => {
    lastConnectionAt = performance.now();
  });
  server.on("request", (_request: IncomingMessage, response: ServerResponse) => {
    inFlight += 1;
    response.once("close", () => {
      inFlight -= 1;
      if (inFlight === 0) for (const wake of waiting) wake();
    });
  });
  return {
    async calm(signal) {
      for (;;) {
        const left = lastConnectionAt + calmAfter - performance.now();
        if (left <= 0) return;
        await sleep(left, undefined, { signal });
      }
    },
    async idle(signal) {
      while (inFlight > 0) await nextIdle(waiting, signal);
    },
  };
}

function nextIdle(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      waiting.delete(settle);
      signal.removeEventListener("abort", settle);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    };
    waiting.add(settle);
    signal.addEventListener("abort", settle);
    if (signal.aborted) settle();
  });
}
