import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, type Standing, startContender } from "./contenders/contender.ts";
import { GateFailed, type Load } from "./loads/load.ts";
import type { Tenant } from "./tenant/tenant.ts";
import { untilSteady, type WarmTimes } from "./warm-up.ts";

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
  readonly units: number;
  /** Visits of a page that the units were part of. */
  readonly pages?: number;
  /** Connections to the tenant that were opened meanwhile, where it counts them. */
  readonly opened?: number;
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
  /** How long it may take at most until a contender is warm. */
  readonly warmTimes: WarmTimes;
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** Who is no yardstick is measured less often. */
const onlookerRounds = 3;

/** Between two rounds: what the last one left behind ends. Milliseconds. */
const pause = 100;

/** Runs a stage: all contenders stand, the loads come one after the other, in each round the contenders in a new order. */
export async function runStage(plan: StagePlan): Promise<Figure[]> {
  const standing: Standing[] = [];
  const figures: Figure[] = [];
  try {
    for (const contender of plan.contenders) {
      if (!plan.loads.some((load) => load.isFor(contender))) continue;
      try {
        standing.push(await startContender(contender, plan.tenant, plan.folder));
      } catch (error) {
        // It may have been measured elsewhere: here every load of it has its failure.
        for (const load of plan.loads)
          if (load.isFor(contender)) figures.push(noFigure(load, contender.name, error));
      }
    }
    const warmed = new Set<Standing>();
    for (const load of plan.loads) figures.push(...(await runLoad(load, { all: standing, warmed }, plan)));
  } finally {
    await Promise.all(standing.map(({ running }) => running.stop()));
  }
  return figures;
}

async function runLoad(
  load: Load,
  { all, warmed }: { readonly all: readonly Standing[]; readonly warmed: Set<Standing> },
  plan: StagePlan,
): Promise<Figure[]> {
  const samples = new Map<Standing, Sample[]>();
  const failures: Figure[] = [];
  const drop = (standing: Standing, error: unknown): void => {
    samples.delete(standing);
    failures.push(noFigure(load, standing.contender.name, error));
  };
  for (const standing of all) {
    if (!load.isFor(standing.contender)) continue;
    samples.set(standing, []);
    await load.check(standing).catch((error: unknown) => drop(standing, error));
  }
  for (const standing of samples.keys())
    await warmForLoad(load, standing, { warmed, plan }).catch((error: unknown) => drop(standing, error));
  const rounds = Math.min(plan.rounds, load.mostRounds ?? plan.rounds);
  for (let round = 0; round < rounds; round += 1) {
    for (const standing of shuffled([...samples.keys()])) {
      if (standing.contender.role === "onlooker" && round >= onlookerRounds) continue;
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

/** The first load of a process compiles most of what it runs, later ones take other paths; where memory counts nothing must have run. */
async function warmForLoad(
  load: Load,
  standing: Standing,
  { warmed, plan }: { readonly warmed: Set<Standing>; readonly plan: StagePlan },
): Promise<void> {
  if (load.countsMemory) return;
  const { first, later } = plan.warmTimes;
  await warmUp(load, standing, warmed.has(standing) ? later : first);
  warmed.add(standing);
}

/**
 * Runs a load on a contender, uncounted, until it costs no less than a moment ago: code that has not run often is slow, a
 * compiler has not seen it yet.
 */
async function warmUp(load: Load, standing: Standing, most: number): Promise<void> {
  const { usage } = standing;
  await untilSteady(most, async () => {
    const before = usage.cpu();
    const { units } = await (load.probe ?? load.run)(standing);
    const spent = usage.cpu() - before;
    return { cost: spent / units, spent };
  });
}

async function measure(load: Load, standing: Standing): Promise<Sample> {
  const { usage, running, tenant } = standing;
  if (running.hasEnded) throw new GateFailed(`its process has ended: ${running.output()}`);
  await load.prepare?.(standing);
  const taken = await tenant.connectionsTaken?.();
  usage.forget();
  const memory = usage.memory();
  const before = usage.cpu();
  const worked = await load.run(standing);
  const { units, seconds, pages, p50, p99 } = worked;
  const cpu = usage.cpu() - before;
  const cost = worked.memory === undefined ? (cpu * 1e6) / units : (worked.memory - memory) / units;
  const takenNow = await tenant.connectionsTaken?.();
  return {
    cost,
    rate: units / seconds,
    peak: usage.peak(),
    units,
    ...(p50 === undefined ? {} : { p50 }),
    ...(p99 === undefined ? {} : { p99 }),
    ...(pages === undefined ? {} : { pages }),
    ...(taken === undefined || takenNow === undefined ? {} : { opened: takenNow - taken }),
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

/** The same in a new order. */
export function shuffled<Item>(items: readonly Item[]): Item[] {
  const order = items.map((item) => ({ item, place: Math.random() }));
  return order.toSorted((one, other) => one.place - other.place).map(({ item }) => item);
}

/** The value in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}
