import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, type Standing, startContender } from "../contenders/contender.ts";
import { median } from "../rounds.ts";
import { userName, usualUsers } from "../site.ts";
import type { Tenant } from "../tenant/tenant.ts";
import { answers } from "../tenant/answers.ts";
import { ask } from "./ask.ts";
import { GateFailed } from "./load.ts";
import { runWrk } from "./wrk.ts";

/** What so many sessions cost. */
export interface SessionFigure {
  readonly sessions: number;
  /** KiB of memory for each. */
  readonly memory: number;
  /** Microseconds of CPU for a request while eight of them are in use, and while all are, by chance. */
  readonly few: number;
  readonly all: number;
}

/** How the sessions are measured. */
export interface SessionPlan {
  readonly contender: Contender;
  readonly tenant: Tenant;
  readonly rounds: number;
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** How many log in at once. */
const loginsAtOnce = 64;

/** Memory settles, and connections that are not used close, after the work. Milliseconds. */
const settleTime = 6000;

const connections = 32;

/** Measures so many sessions in a fresh process. @throws GateFailed */
export async function measureSessions(plan: SessionPlan, count: number): Promise<SessionFigure> {
  const standing = await startContender(plan.contender, plan.tenant, plan.folder);
  try {
    const figure = await measureOne(standing, count, plan);
    const { memory, few, all } = figure;
    plan.say(
      `${count} sessions: ${memory.toFixed(1)} KiB each, a request ${few.toFixed(0)} with few in use, ${all.toFixed(0)} with all`,
    );
    return figure;
  } finally {
    await standing.running.stop();
  }
}

async function measureOne(standing: Standing, count: number, plan: SessionPlan): Promise<SessionFigure> {
  // Code runs hot and the heap has its working size before anything is weighed.
  await logIn(standing, 0, usualUsers);
  await costOf(standing, usualUsers, plan.folder);
  await sleep(settleTime);
  const before = standing.usage.memory();
  await logIn(standing, usualUsers, count);
  await sleep(settleTime);
  const memory = (standing.usage.memory() - before) / Math.max(1, count - usualUsers);
  const costs = async (users: number): Promise<number> => {
    const samples: number[] = [];
    // Not counted: the connections of these users are opened.
    await costOf(standing, users, plan.folder);
    for (let round = 0; round < plan.rounds; round += 1)
      samples.push(await costOf(standing, users, plan.folder));
    return median(samples);
  };
  return { sessions: count, memory, few: await costs(usualUsers), all: await costs(count) };
}

const path = (): string => answers[0]?.path ?? "/";

/** One request of each user, each of which begins a session. @throws GateFailed */
async function logIn(standing: Standing, from: number, to: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: loginsAtOnce });
  let next = from;
  const lane = async (): Promise<void> => {
    while (next < to) {
      const user = userName(next++);
      const { status } = await ask(standing, { user, path: path(), agent });
      if (status !== 200) throw new GateFailed(`the first request of ${user} is answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: loginsAtOnce }, lane));
  agent.destroy();
}

/** Microseconds of CPU for a request, in one round. */
async function costOf(standing: Standing, users: number, folder: string): Promise<number> {
  const before = standing.usage.cpu();
  const { units } = await runWrk(
    { port: standing.port, path: path(), connections, seconds: 1, users, order: "by chance" },
    folder,
  );
  return ((standing.usage.cpu() - before) * 1e6) / units;
}
