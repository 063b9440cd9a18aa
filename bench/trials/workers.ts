import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Contender } from "../contenders/contender.ts";
import { logIn } from "../loads/log-in.ts";
import { GateFailed } from "../loads/load.ts";
import { runWrk, type WrkLoad } from "../loads/wrk.ts";
import { freePort, startProgram } from "../process/start.ts";
import { smallest } from "../tenant/answers.ts";
import { startFileTenant } from "../tenant/file-tenant.ts";
import type { Tenant } from "../tenant/tenant.ts";
import { usageOf } from "../process/usage.ts";
import { median } from "../rounds.ts";

/** What the trial is made from. */
export interface WorkersTrial {
  readonly contender: Contender;
  readonly rounds: number;
  readonly folder: string;
  readonly say: (text: string) => void;
}

const users = 24;
const connections = 48;
const seconds = 5;

/** Seconds until what is measured is compiled, and how often it may begin anew. */
const warmSeconds = 4;
const warmTries = 4;

/** What one or two workers did. */
interface Round {
  /** Requests a second. */
  readonly rate: number;
  /** CPU of all its processes for a request. Microseconds; says more than the rate where the machine has other work. */
  readonly cost: number;
}

const described = ({ rate, cost }: Round): string =>
  `${Math.round(rate)} requests a second, ${Math.round(cost)} µs of CPU each`;

/**
 * How many requests a second one worker and two workers answer. Nothing is bound to a core: tenant and load take what they
 * need of both, which is why two cores give less than twice as much.
 */
export async function tryWorkers(trial: WorkersTrial): Promise<string> {
  const tenant = await startFileTenant(trial.folder);
  const rounds = new Map<number, Round[]>([1, 2].map((workers) => [workers, []]));
  try {
    for (let round = 1; round <= trial.rounds; round += 1) {
      for (const [workers, found] of rounds) {
        const measured = await measure(workers, tenant, trial);
        trial.say(`round ${round}, workers: ${workers}: ${described(measured)}`);
        found.push(measured);
      }
    }
  } finally {
    await tenant.stop();
  }
  const [one, two] = [...rounds.values()].map((each) => ({
    rate: median(each.map(({ rate }) => rate)),
    cost: median(each.map(({ cost }) => cost)),
  }));
  if (one === undefined || two === undefined) return "";
  return [
    `workers: 1: ${described(one)}; workers: 2: ${described(two)}; median of ${trial.rounds}`,
    `requests a second, 2 / 1: ${(two.rate / one.rate).toFixed(2)}; CPU of a request, 2 / 1: ${(two.cost / one.cost).toFixed(2)}`,
  ].join("\n");
}

/**
 * Until every worker has met every user. Cookies of load balancers are not shared, and this tenant refuses who comes without:
 * the first request of a user on a second worker. rules R5
 */
async function warmUp(load: Omit<WrkLoad, "seconds">, place: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await runWrk({ ...load, seconds: warmSeconds }, place);
      return;
    } catch (error) {
      if (!(error instanceof GateFailed) || tries === warmTries) throw error;
    }
  }
}

async function measure(workers: number, tenant: Tenant, { contender, folder }: WorkersTrial): Promise<Round> {
  const port = await freePort();
  const place = join(folder, `workers-${workers}-${port}`);
  mkdirSync(place, { recursive: true });
  const program = contender.program({ port, tenant, folder: place });
  const running = await startProgram(
    { ...program, env: { ...program.env, QSP_WORKERS: String(workers) }, stopBy: "SIGTERM" },
    { port, logFile: join(place, "log") },
  );
  try {
    await logIn({ port }, 0, users);
    const load = { port, path: smallest.path, connections, users, order: "in turn" } as const;
    await warmUp(load, place);
    const usage = usageOf(running.pid);
    const before = usage.cpu();
    const { units, seconds: taken } = await runWrk({ ...load, seconds }, place);
    return { rate: units / taken, cost: (1e6 * (usage.cpu() - before)) / units };
  } finally {
    await running.stop();
  }
}
