import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, type Standing, startContender } from "../contenders/contender.ts";
import { type Watched, watched } from "../process/watched.ts";
import { median } from "../rounds.ts";
import { usualUsers } from "../site.ts";
import { smallest } from "../tenant/answers.ts";
import type { Tenant } from "../tenant/tenant.ts";
import { untilSteady } from "../warm-up.ts";
import { logIn } from "./log-in.ts";
import { runWrk } from "./wrk.ts";

/** What a request costs, and where. Microseconds of CPU. */
export interface RequestCost {
  readonly cpu: number;
  /** For which the process stood still for its collector. */
  readonly pauses: number;
  /** On threads beside the main one: the collector's helpers, and the compiler. */
  readonly beside: number;
  /** Connections to the tenant that were opened for it. */
  readonly opened: number;
}

/** What so many sessions cost. */
export interface SessionFigure {
  readonly sessions: number;
  /** KiB for each that was added to those before: held on the heap, and in the memory of the process. */
  readonly heap: number;
  readonly rss: number;
  /** Microseconds of CPU for each login. */
  readonly login: number;
  /** A request while eight of them are in use and the others only exist, and while all are, by chance. */
  readonly few: RequestCost;
  readonly all: RequestCost;
}

/** How the sessions are measured. */
export interface SessionPlan {
  readonly contender: Contender;
  readonly tenant: Tenant;
  /** From the smallest number to the largest. */
  readonly counts: readonly number[];
  readonly rounds: number;
  /** Seconds of CPU until it is warm, at most, before each kind of round: it is one process for all numbers, so that what differs is the number. */
  readonly warmTime: number;
  readonly root: string;
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** Memory settles, and connections that are not used close, after the work. Milliseconds. */
const settleTime = 6000;

const connections = 32;

/** Seconds of a look at whether it is warm. */
const probeSeconds = 0.5;

/** Logins before anything is weighed: their code is compiled too, and what is made once for all is there. */
const earlyLogins = 200;

/** Measures the numbers of sessions one after the other, in one process that has more and more. @throws GateFailed */
export async function measureSessions(plan: SessionPlan): Promise<SessionFigure[]> {
  const subject = await watched(plan.contender, plan.root);
  const standing = await startContender(subject.contender, plan.tenant, plan.folder);
  try {
    const figures: SessionFigure[] = [];
    const bench = { standing, subject, plan };
    let those = Math.max(usualUsers, Math.min(earlyLogins, (plan.counts[0] ?? 0) >> 1));
    await logIn(standing, 0, those);
    await warmUp(bench, usualUsers);
    for (const count of plan.counts) {
      const figure = await measureOne(bench, those, count);
      figures.push(figure);
      plan.say(inShort(figure));
      those = count;
    }
    return figures;
  } finally {
    await standing.running.stop();
  }
}

interface Bench {
  readonly standing: Standing;
  readonly subject: Watched;
  readonly plan: SessionPlan;
}

/** From as many sessions as there are to as many as there shall be. */
async function measureOne(bench: Bench, from: number, to: number): Promise<SessionFigure> {
  const { standing, subject, plan } = bench;
  const added = Math.max(1, to - from);
  await sleep(settleTime);
  const before = await subject.collect();
  const cpuBefore = standing.usage.cpu();
  await logIn(standing, from, to);
  const login = ((standing.usage.cpu() - cpuBefore) * 1e6) / added;
  await sleep(settleTime);
  const after = await subject.collect();
  const costs = async (users: number): Promise<RequestCost> => {
    // The connections of these users are opened; and what a full collection threw away is compiled again.
    await warmUp(bench, users);
    const samples: RequestCost[] = [];
    for (let round = 0; round < plan.rounds; round += 1) samples.push(await costOf(bench, users));
    return middle(samples);
  };
  return {
    sessions: to,
    heap: (after.heap - before.heap) / added / 1024,
    rss: (after.rss - before.rss) / added / 1024,
    login,
    few: await costs(usualUsers),
    all: await costs(to),
  };
}

const warmUp = (bench: Bench, users: number): Promise<void> =>
  untilSteady(bench.plan.warmTime, async () => {
    const before = bench.standing.usage.cpu();
    const { cpu } = await costOf(bench, users, probeSeconds);
    return { cost: cpu, spent: bench.standing.usage.cpu() - before };
  });

/** What a request costs in one round. */
async function costOf({ standing, subject, plan }: Bench, users: number, seconds = 1): Promise<RequestCost> {
  const { usage, tenant, port } = standing;
  const look = async (): Promise<readonly number[]> => [
    usage.cpu(),
    (await subject.look()).pauses,
    usage.cpu() - usage.mainCpu(),
    (await tenant.connectionsTaken?.()) ?? Number.NaN,
  ];
  const before = await look();
  const order = users > usualUsers ? "by chance" : "in turn";
  const { units } = await runWrk(
    { port, path: smallest.path, connections, seconds, users, order },
    plan.folder,
  );
  const after = await look();
  const grown = (index: number): number => ((after[index] ?? 0) - (before[index] ?? 0)) / units;
  return { cpu: grown(0) * 1e6, pauses: grown(1) * 1e6, beside: grown(2) * 1e6, opened: grown(3) };
}

function middle(samples: readonly RequestCost[]): RequestCost {
  const of = (field: keyof RequestCost): number => median(samples.map((sample) => sample[field]));
  return { cpu: of("cpu"), pauses: of("pauses"), beside: of("beside"), opened: of("opened") };
}

const inShort = ({ sessions, heap, login, few, all }: SessionFigure): string =>
  `${sessions} sessions: ${heap.toFixed(1)} KiB each, a login ${login.toFixed(0)}, a request ${few.cpu.toFixed(0)} with few in use, ${all.cpu.toFixed(0)} with all`;
