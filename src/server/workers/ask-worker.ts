import { SessionProxyError } from "../../errors.ts";
import { within } from "../../kernel/deadline.ts";
import type { WorkerCalls } from "./calls.ts";
import { type Peer, PeerGone } from "./peer.ts";

/** A worker that is asked. */
export interface AskedWorker {
  readonly peer: Peer<WorkerCalls>;
  /** Resolves with its death. */
  readonly dead: Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** How long a worker is waited for. */
export interface Patience {
  /** An answer takes longer than this: the worker is asked whether it is there, and has as long to say so. Milliseconds. */
  readonly word: number;
  /** So long work may take. Milliseconds. */
  readonly work: number;
}

/** A list of many sessions takes a store its time: longer than the longest that a store of ours gives itself, 20 s. */
export const usualPatience: Patience = { word: 5000, work: 25_000 };

/** What is asked of a worker. */
export interface Question<Name extends keyof WorkerCalls> {
  readonly name: Name;
  readonly argument: Parameters<WorkerCalls[Name]>[0];
}

/**
 * Asks a worker. One that does not even say that it is there is ended, and counts as dead; one whose work takes long lives
 * on: its store is slow, and so it would be for the next one.
 *
 * @throws PeerGone, or what the worker says, or SessionProxyError `QSP-STORE` where the work takes too long
 */
export async function askWorker<Name extends keyof WorkerCalls>(
  { peer, dead, kill }: AskedWorker,
  { name, argument }: Question<Name>,
  { word, work }: Patience,
): Promise<Awaited<ReturnType<WorkerCalls[Name]>>> {
  const answer = peer.call(name, argument as never).then((value) => ({ value: value as never }));
  for (let waited = 0; waited < work; waited += word) {
    const given = await inTime(word, answer);
    if (given !== null) return given.value;
    const sign = await inTime(
      word,
      Promise.race([answer, peer.call("ping", null).then(() => "there" as const)]),
    );
    if (sign === null) {
      kill();
      await dead;
      throw new PeerGone();
    }
    if (sign !== "there") return sign.value;
  }
  throw new SessionProxyError("QSP-STORE", { retryAfter: 1, reason: "a worker takes too long for it" });
}

/** What comes of work in this time; null where nothing has yet. */
async function inTime<T>(ms: number, work: Promise<T>): Promise<T | null> {
  const late = new Error("late");
  return within(ms, work, () => late).catch((error: unknown) => {
    if (error !== late) throw error;
    return null;
  });
}
