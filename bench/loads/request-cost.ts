import { type Contender, type Standing, startContender } from "../contenders/contender.ts";
import { type Inside, watched } from "../process/watched.ts";
import { median } from "../rounds.ts";
import { usualUsers } from "../site.ts";
import { smallest } from "../tenant/answers.ts";
import type { Tenant } from "../tenant/tenant.ts";
import { untilSteady } from "../warm-up.ts";
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

/** A contender that can be asked how it is. */
export interface Subject {
  readonly standing: Standing;
  readonly folder: string;
  look(): Promise<Inside>;
  collect(): Promise<Inside>;
}

/** Starts it with the bench's ear in it. */
export async function startSubject(
  contender: Contender,
  { tenant, root, folder }: { readonly tenant: Tenant; readonly root: string; readonly folder: string },
): Promise<Subject> {
  const { contender: withEar, look, collect } = await watched(contender, root);
  return { standing: await startContender(withEar, tenant, folder), folder, look, collect };
}

const connections = 32;

/** What a request costs in one round, in which so many users come. */
export async function costOf(
  { standing, look, folder }: Subject,
  users: number,
  seconds = 1,
): Promise<RequestCost> {
  const { usage, tenant, port } = standing;
  const count = async (): Promise<readonly number[]> => [
    usage.cpu(),
    (await look()).pauses,
    usage.cpu() - usage.mainCpu(),
    (await tenant.connectionsTaken?.()) ?? Number.NaN,
  ];
  const before = await count();
  const order = users > usualUsers ? "by chance" : "in turn";
  const { units } = await runWrk({ port, path: smallest.path, connections, seconds, users, order }, folder);
  const after = await count();
  const grown = (index: number): number => ((after[index] ?? 0) - (before[index] ?? 0)) / units;
  return { cpu: grown(0) * 1e6, pauses: grown(1) * 1e6, beside: grown(2) * 1e6, opened: grown(3) };
}

/** Seconds of a look at whether it is warm. */
const probeSeconds = 0.5;

/** Until a request of so many users costs what it did a moment ago, or so many seconds of CPU are spent. */
export const warmSubject = (subject: Subject, users: number, most: number): Promise<void> =>
  untilSteady(most, async () => {
    const { usage } = subject.standing;
    const before = usage.cpu();
    const { cpu } = await costOf(subject, users, probeSeconds);
    return { cost: cpu, spent: usage.cpu() - before };
  });

/** The median of each of the figures. */
export function middleCost(samples: readonly RequestCost[]): RequestCost {
  const of = (field: keyof RequestCost): number => median(samples.map((sample) => sample[field]));
  return { cpu: of("cpu"), pauses: of("pauses"), beside: of("beside"), opened: of("opened") };
}
