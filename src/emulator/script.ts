import type { Milliseconds } from "./modes.ts";
import { matches, type RequestFeatures, type RequestMatch } from "./request-match.ts";

/** A scripted answer for the next request that matches; used once. */
export interface Behaviour extends RequestMatch {
  /** HTTP status; of an upgrade that is refused so. */
  readonly status: number;
  /** Header lines in their order; a name may come twice. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Text, or a value that is sent as JSON. */
  readonly body?: unknown;
}

/** What goes wrong. */
export type FaultKind =
  /** The answer comes later. Milliseconds. */
  | { readonly kind: "delay"; readonly ms: Milliseconds }
  /** An error status, with the tenant's error body. */
  | { readonly kind: "status"; readonly status: number }
  /** 429 with `retry-after` in seconds (facts §7). */
  | { readonly kind: "throttle"; readonly retryAfter: number }
  /** The connection is reset: before an answer, after its header, or after `afterBytes` of its body. */
  | { readonly kind: "reset"; readonly stage: "request" | "headers" | "body"; readonly afterBytes?: number }
  /** Nothing comes (any more), and the connection stays open. */
  | {
      readonly kind: "silence";
      readonly stage?: "request" | "headers" | "body";
      readonly afterBytes?: number;
    }
  /** The body ends early by an orderly end of the connection. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** These bytes instead of an answer, then the end of the connection; not HTTP by default. */
  | { readonly kind: "garbage"; readonly bytes?: string }
  /** An upgrade is accepted with 101 and closed at once with this code. */
  | { readonly kind: "close"; readonly code: number; readonly reason?: string }
  /** An upgrade is accepted with 101, and nothing is ever said on it (facts §11, row 9). */
  | { readonly kind: "mute" };

/** A fault, for the requests that match. */
export type Fault = RequestMatch & {
  /** How many requests it meets; until cleared if left out. */
  readonly times?: number;
} & FaultKind;

/** What is scripted, in the order it was asked for. */
export interface Script {
  enqueue(behaviour: Behaviour): void;
  fault(fault: Fault): void;
  clearFaults(): void;
  /** Takes the first queued behaviour that is meant for the request. */
  takeBehaviour(request: RequestFeatures): Behaviour | undefined;
  /** Takes the faults that meet the request: delays, and the first other one. */
  takeFaults(request: RequestFeatures): readonly Fault[];
}

/** Creates an empty script. */
export function createScript(): Script {
  const behaviours: Behaviour[] = [];
  let faults: { readonly fault: Fault; left: number }[] = [];
  return {
    enqueue(behaviour) {
      behaviours.push(behaviour);
    },
    fault(fault) {
      faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
    },
    clearFaults() {
      faults = [];
    },
    takeBehaviour(request) {
      const index = behaviours.findIndex((behaviour) => matches(behaviour, request));
      return index < 0 ? undefined : behaviours.splice(index, 1)[0];
    },
    takeFaults(request) {
      const taken: Fault[] = [];
      for (const entry of faults) {
        if (!matches(entry.fault, request)) continue;
        if (entry.fault.kind !== "delay" && taken.some(({ kind }) => kind !== "delay")) continue;
        taken.push(entry.fault);
        entry.left -= 1;
      }
      faults = faults.filter(({ left }) => left > 0);
      return taken;
    },
  };
}
