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

/**
 * How many requests a second one worker and two workers answer. Nothing is bound to a core: tenant and load take what they
 * need of both, which is why two cores give less than twice as much.
 */
export async function tryWorkers(trial: WorkersTrial): Promise<string> {
  const tenant = await startFileTenant(trial.folder);
  const rates = new Map<number, number[]>([1, 2].map((workers) => [workers, []]));
  try {
    for (let round = 1; round <= trial.rounds; round += 1) {
      for (const [workers, found] of rates) {
        const rate = await rateOf(workers, tenant, trial);
        trial.say(`round ${round}, workers: ${workers}: ${Math.round(rate)} requests a second`);
        found.push(rate);
      }
    }
  } finally {
    await tenant.stop();
  }
  const [one = 0, two = 0] = [...rates.values()].map(median);
  const figures = `${Math.round(one)} and ${Math.round(two)} requests a second`;
  return `workers: 2 / workers: 1 = ${(two / one).toFixed(2)} (${figures}, median of ${trial.rounds})`;
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

async function rateOf(workers: number, tenant: Tenant, { contender, folder }: WorkersTrial): Promise<number> {
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
    const { units, seconds: taken } = await runWrk({ ...load, seconds }, place);
    return units / taken;
  } finally {
    await running.stop();
  }
}
