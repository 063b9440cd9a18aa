import { setTimeout as sleep } from "node:timers/promises";
import { createRandom, type Random } from "../../src/emulator/engine/random.ts";
import { markOf, markPath, type Outcome, subjectOf, type User } from "./node-client.ts";
import type { World } from "./world.ts";

/** What users do while something goes wrong. */
export interface LoadOptions {
  readonly users: readonly User[];
  /** Requests under way at the same time. */
  readonly workers: number;
  /** Between two requests of a worker. Milliseconds; 0 by default. */
  readonly pause?: number;
  /** Share of the requests whose client leaves before the answer; 0 by default. */
  readonly abortShare?: number;
  /** Ends by itself after so many requests; never by default. */
  readonly requests?: number;
}

/** A request that was not answered 200. */
export interface Failure {
  /** `performance.now()` of its end. */
  readonly at: number;
  readonly user: User;
  /** Status and code, or that the connection was lost. */
  readonly what: string;
}

/** What became of the requests. */
export interface Tally {
  readonly requests: number;
  readonly answered: number;
  readonly aborted: number;
  readonly failures: readonly Failure[];
  /** Answers with the mark of another user, or with none: the one thing with no tolerance. */
  readonly mixed: readonly string[];
  /** The longest that an answer with 200 took. Milliseconds. */
  readonly longest: number;
}

/** Requests that go on until they are stopped. */
export interface Load {
  tally(): Tally;
  /** Stops it; resolves when the last answer is there. */
  stop(): Promise<Tally>;
  /** Resolves when the requests that were asked for are done. */
  readonly done: Promise<Tally>;
}

/** Clients that leave do so within this time: before, while and after the answer comes. Milliseconds. */
const latestAbort = 15;

/** Names an outcome: 200, 503QSP-STORE, lost, aborted. */
export const nameOf = (outcome: Outcome): string =>
  outcome.kind === "answered" ? `${outcome.status}${outcome.code}` : outcome.kind;

/** How many there are of each name. */
export function countNames(names: Iterable<string>): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

interface Counts {
  begun: number;
  answered: number;
  aborted: number;
  longest: number;
  readonly failures: Failure[];
  readonly mixed: string[];
}

function count(counts: Counts, user: User, outcome: Outcome, began: number): void {
  const at = performance.now();
  if (outcome.kind === "aborted") {
    counts.aborted += 1;
  } else if (outcome.kind === "answered" && outcome.status === 200) {
    counts.answered += 1;
    counts.longest = Math.max(counts.longest, at - began);
    const mark = markOf(outcome);
    if (mark !== subjectOf(user)) counts.mixed.push(`${user} got the answer of ${mark ?? "nobody"}`);
  } else {
    counts.failures.push({ at, user, what: nameOf(outcome) });
  }
}

async function work(world: World, options: LoadOptions, { counts, random, isOver }: Shift): Promise<void> {
  const { users, pause = 0, abortShare = 0 } = options;
  while (!isOver()) {
    counts.begun += 1;
    const living = world.nodes.flatMap(({ isAlive }, place) => (isAlive ? [place] : []));
    if (living.length === 0) return;
    const user = random.pick(users);
    const began = performance.now();
    const abortAfter = random.next() < abortShare ? random.next() * latestAbort : undefined;
    const order = abortAfter === undefined ? {} : { abortAfter };
    count(counts, user, await world.ask(random.pick(living), user, markPath, order), began);
    if (pause > 0) await sleep(pause);
  }
}

interface Shift {
  readonly counts: Counts;
  readonly random: Random;
  readonly isOver: () => boolean;
}

/** Lets users ask the nodes that live, at random, from now on. */
export function startLoad(world: World, options: LoadOptions): Load {
  const counts: Counts = { begun: 0, answered: 0, aborted: 0, longest: 0, failures: [], mixed: [] };
  let isStopped = false;
  const isOver = (): boolean => isStopped || counts.begun >= (options.requests ?? Number.POSITIVE_INFINITY);
  const tally = (): Tally => ({ requests: counts.begun, ...counts });
  const workers = Array.from({ length: options.workers }, (_, index) =>
    work(world, options, { counts, random: createRandom(index + 1), isOver }),
  );
  const done = Promise.all(workers).then(tally);
  return {
    tally,
    done,
    stop() {
      isStopped = true;
      return done;
    },
  };
}

/** How long after `since` the last failure came; 0 without one. Milliseconds. */
export const troubleAfter = (tally: Tally, since: number): number =>
  Math.max(0, ...tally.failures.map(({ at }) => at - since));
