import { setTimeout as sleep } from "node:timers/promises";
import type { Contender } from "../contenders/contender.ts";
import { shuffled } from "../rounds.ts";
import { usualUsers } from "../site.ts";
import type { Tenant } from "../tenant/tenant.ts";
import { logIn } from "./log-in.ts";
import {
  costOf,
  middleCost,
  type RequestCost,
  startSubject,
  type Subject,
  warmSubject,
} from "./request-cost.ts";

/** What so many sessions cost. */
export interface SessionFigure {
  readonly sessions: number;
  /** KiB for each that was added to those before: held on the heap, and in the memory of the process. */
  readonly heap: number;
  readonly rss: number;
  /** Microseconds of CPU for each login. */
  readonly login: number;
  /** A request while eight of them are in use and the others only exist. */
  readonly few: RequestCost;
  /** The same in a process that has next to no others, measured in turn with it. */
  readonly alone: RequestCost;
  /** A request while all are in use, by chance. */
  readonly all: RequestCost;
}

/** How the sessions are measured. */
export interface SessionPlan {
  readonly contender: Contender;
  readonly tenant: Tenant;
  /** From the smallest number to the largest. */
  readonly counts: readonly number[];
  readonly rounds: number;
  /** Seconds of CPU until a process is warm, at most, before each kind of round. */
  readonly warmTime: number;
  /** Memory settles, and connections that are not used close (after five seconds), after the work. Milliseconds. */
  readonly settleTime: number;
  readonly root: string;
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** Logins before anything is weighed: their code is compiled too, and what is made once for all is there. */
const earlyLogins = 200;

/** One process has more and more sessions; the other keeps its few, so that a slower hour of the machine shows in both. */
interface Pair {
  readonly crowded: Subject;
  readonly alone: Subject;
}

/** Measures the numbers of sessions one after the other. @throws GateFailed */
export async function measureSessions(plan: SessionPlan): Promise<SessionFigure[]> {
  const crowded = await startSubject(plan.contender, plan);
  const alone = await startSubject(plan.contender, plan);
  try {
    const figures: SessionFigure[] = [];
    let those = Math.max(usualUsers, Math.min(earlyLogins, (plan.counts[0] ?? 0) >> 1));
    for (const subject of [crowded, alone]) {
      await logIn(subject.standing, 0, those);
      await warmSubject(subject, usualUsers, plan.warmTime);
    }
    for (const count of plan.counts) {
      const figure = await measureOne({ crowded, alone }, plan, [those, count]);
      figures.push(figure);
      plan.say(inShort(figure));
      those = count;
    }
    return figures;
  } finally {
    await Promise.all([crowded, alone].map(({ standing }) => standing.running.stop()));
  }
}

/** From as many sessions as there are to as many as there shall be. */
async function measureOne(
  pair: Pair,
  plan: SessionPlan,
  [from, to]: readonly [number, number],
): Promise<SessionFigure> {
  const { crowded, alone } = pair;
  const { usage } = crowded.standing;
  const added = Math.max(1, to - from);
  await sleep(plan.settleTime);
  const before = await crowded.collect();
  const cpuBefore = usage.cpu();
  await logIn(crowded.standing, from, to);
  const login = ((usage.cpu() - cpuBefore) * 1e6) / added;
  await sleep(plan.settleTime);
  const after = await crowded.collect();
  // What a full collection threw away is compiled again; that shall be the same for both.
  await alone.collect();
  return {
    sessions: to,
    heap: (after.heap - before.heap) / added / 1024,
    rss: (after.rss - before.rss) / added / 1024,
    login,
    ...(await compareFew(pair, plan)),
    all: await costOfAll(crowded, plan, to),
  };
}

/** The same few users at both, in rounds that alternate. */
async function compareFew(
  { crowded, alone }: Pair,
  { rounds, warmTime }: SessionPlan,
): Promise<{ readonly few: RequestCost; readonly alone: RequestCost }> {
  const samples = new Map<Subject, RequestCost[]>([
    [crowded, []],
    [alone, []],
  ]);
  for (const subject of samples.keys()) await warmSubject(subject, usualUsers, warmTime);
  for (let round = 0; round < rounds; round += 1)
    for (const subject of shuffled([...samples.keys()]))
      samples.get(subject)?.push(await costOf(subject, usualUsers));
  return { few: middleCost(samples.get(crowded) ?? []), alone: middleCost(samples.get(alone) ?? []) };
}

async function costOfAll(
  subject: Subject,
  { rounds, warmTime }: SessionPlan,
  users: number,
): Promise<RequestCost> {
  // The connections of these users are opened, as many as are kept.
  await warmSubject(subject, users, warmTime);
  const samples: RequestCost[] = [];
  for (let round = 0; round < rounds; round += 1) samples.push(await costOf(subject, users));
  return middleCost(samples);
}

const inShort = ({ sessions, heap, login, few, alone, all }: SessionFigure): string =>
  [
    `${sessions} sessions: ${heap.toFixed(1)} KiB each`,
    `a login ${login.toFixed(0)}`,
    `a request ${few.cpu.toFixed(0)} with few in use, ${alone.cpu.toFixed(0)} without the others, ${all.cpu.toFixed(0)} with all in use`,
  ].join(", ");
