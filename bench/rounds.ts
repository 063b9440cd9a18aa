import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, type Standing, startContender } from "./contenders/contender.ts";
import { GateFailed, type Load } from "./loads/load.ts";
import type { Tenant } from "./tenant/tenant.ts";

/** One round of one contender. */
export interface Sample {
  /** Microseconds of CPU for each unit; KiB for a load that counts memory. */
  readonly cost: number;
  /** Units in a second. */
  readonly rate: number;
  readonly p50?: number;
  readonly p99?: number;
  /** Most KiB in memory during the round. */
  readonly peak: number;
}

/** What a contender came to under a load: rounds, or why there are none. */
export interface Figure {
  readonly load: Load;
  readonly contender: string;
  readonly samples: readonly Sample[];
  readonly failure?: string;
}

/** A stage: contenders in front of one tenant, and the loads on them. */
export interface StagePlan {
  readonly tenant: Tenant;
  readonly contenders: readonly Contender[];
  readonly loads: readonly Load[];
  readonly rounds: number;
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** Between two rounds: what the last one left behind ends. Milliseconds. */
const pause = 100;

/** Runs a stage: all contenders stand, the loads come one after the other, in each round the contenders in a new order. */
export async function runStage(plan: StagePlan): Promise<Figure[]> {
  const standing: Standing[] = [];
  const figures: Figure[] = [];
  try {
    for (const contender of plan.contenders) {
      try {
        standing.push(await startContender(contender, plan.tenant, plan.folder));
      } catch (error) {
        // It may have been measured elsewhere: here every load of it has its failure.
        for (const load of plan.loads) figures.push(noFigure(load, contender.name, error));
      }
    }
    const first = plan.loads.find(({ countsMemory }) => !countsMemory);
    for (const load of plan.loads)
      figures.push(...(await runLoad({ load, isFirst: load === first }, standing, plan)));
  } finally {
    await Promise.all(standing.map(({ running }) => running.stop()));
  }
  return figures;
}

async function runLoad(
  { load, isFirst }: { readonly load: Load; readonly isFirst: boolean },
  all: readonly Standing[],
  plan: StagePlan,
): Promise<Figure[]> {
  const samples = new Map<Standing, Sample[]>();
  const failures: Figure[] = [];
  const drop = (standing: Standing, error: unknown): void => {
    samples.delete(standing);
    failures.push(noFigure(load, standing.contender.name, error));
  };
  for (const standing of all) {
    if (load.needsSockets && !standing.contender.hasSockets) continue;
    samples.set(standing, []);
    await load.check(standing).catch((error: unknown) => drop(standing, error));
  }
  for (const standing of samples.keys())
    await warmUp(load, standing, isFirst).catch((error: unknown) => drop(standing, error));
  for (let round = 0; round < (load.isOnce ? 1 : plan.rounds); round += 1) {
    for (const standing of shuffled([...samples.keys()])) {
      try {
        samples.get(standing)?.push(await measure(load, standing));
      } catch (error) {
        drop(standing, error);
      }
      await sleep(pause);
    }
  }
  // After all these loads that were cut off, everything must still be as it was.
  for (const standing of samples.keys())
    await load.check(standing).catch((error: unknown) => drop(standing, error));
  const figures = [...samples].map(([{ contender }, its]) => ({
    load,
    contender: contender.name,
    samples: its,
  }));
  plan.say(`${load.stage} ${load.title}: ${[...figures, ...failures].map(inShort).join(", ")}`);
  return [...figures, ...failures];
}

/** Rounds that are not counted: one before each load, and before the first until so much is done, but not for ever. */
const warmAfter = 10_000;
const mostWarmUps = 6;

/** Code that has not run often is slow: a compiler has not seen it yet. Where memory counts it must not have run. */
async function warmUp(load: Load, standing: Standing, isFirst: boolean): Promise<void> {
  if (load.countsMemory) return;
  let done = 0;
  for (let round = 0; round < (isFirst ? mostWarmUps : 1) && done < warmAfter; round += 1)
    done += (await measure(load, standing)).rate;
}

async function measure(load: Load, standing: Standing): Promise<Sample> {
  const { usage, running } = standing;
  if (running.hasEnded) throw new GateFailed(`its process has ended: ${running.output()}`);
  await load.prepare?.(standing);
  usage.forget();
  const memory = usage.memory();
  const before = usage.cpu();
  const worked = await load.run(standing);
  const cpu = usage.cpu() - before;
  const cost =
    worked.memory === undefined ? (cpu * 1e6) / worked.units : (worked.memory - memory) / worked.units;
  return {
    cost,
    rate: worked.units / worked.seconds,
    peak: usage.peak(),
    ...(worked.p50 === undefined ? {} : { p50: worked.p50 }),
    ...(worked.p99 === undefined ? {} : { p99: worked.p99 }),
  };
}

/** Whatever went wrong, there is no number then; the reason stands in its place. */
function noFigure(load: Load, contender: string, error: unknown): Figure {
  const failure = error instanceof Error ? error.message : String(error);
  return { load, contender, samples: [], failure };
}

const inShort = ({ contender, samples, failure }: Figure): string =>
  failure === undefined
    ? `${contender} ${median(samples.map(({ cost }) => cost)).toFixed(0)}`
    : `${contender} fails`;

function shuffled<Item>(items: readonly Item[]): Item[] {
  const order = items.map((item) => ({ item, place: Math.random() }));
  return order.toSorted((one, other) => one.place - other.place).map(({ item }) => item);
}

/** The value in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}
