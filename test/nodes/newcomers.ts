import { setTimeout as sleep } from "node:timers/promises";
import { nameOf } from "./load.ts";
import { markOf, markPath, type User } from "./node-client.ts";
import type { World } from "./world.ts";

/** What people met who came for the first time while something went wrong. */
export interface Arrivals {
  readonly people: number;
  /** Names of the answers before the first good one. */
  readonly refusals: readonly string[];
  /** The longest from a first request to the first answer of the person's own. Milliseconds. */
  readonly longestWait: number;
  /** Answers with the mark of somebody else. */
  readonly mixed: readonly string[];
}

/** Newcomers that keep coming until they are stopped. */
export interface Newcomers {
  /** No more come; resolves when the last one is served. */
  stop(): Promise<Arrivals>;
}

/** Between two newcomers, and between two tries of one. Milliseconds. */
const between = 100;

/** Lets people come who have no session yet, one after the other; each tries until it is served. */
export function startNewcomers(world: World, prefix: string): Newcomers {
  const refusals: string[] = [];
  const mixed: string[] = [];
  const waits: number[] = [];
  let isStopped = false;
  const serve = async (user: User, place: number): Promise<void> => {
    const since = performance.now();
    for (;;) {
      const outcome = await world.ask(place, user, markPath);
      const mark = markOf(outcome);
      if (mark === user) return void waits.push(performance.now() - since);
      if (mark === undefined) refusals.push(nameOf(outcome));
      else mixed.push(`${user} got the answer of ${mark}`);
      await sleep(between);
    }
  };
  const come = async (): Promise<void> => {
    const served: Promise<void>[] = [];
    for (let index = 0; !isStopped; index += 1) {
      served.push(serve(`${prefix}-${index}`, index % world.nodes.length));
      await sleep(between);
    }
    await Promise.all(served);
  };
  const all = come();
  return {
    async stop() {
      isStopped = true;
      await all;
      return { people: waits.length, refusals, longestWait: Math.max(0, ...waits), mixed };
    },
  };
}
