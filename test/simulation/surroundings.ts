import { createSeal } from "../../src/store/seal.ts";
import { CalmJudge } from "./calm-judge.ts";
import { Conditions } from "./conditions.ts";
import { DocumentWatch } from "./document-watch.ts";
import { EndsTruth } from "./ends-truth.ts";
import { Host } from "./host.ts";
import { LoginJudge } from "./login-judge.ts";
import { openSeal } from "./open-seal.ts";
import { createPlan, type Plan } from "./plan.ts";
import { createRandom, type Random } from "./random.ts";
import { Scheduler } from "./scheduler.ts";
import { ServingJudge } from "./serving-judge.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { SimulatedStore, type PlantedBug } from "./simulated-store.ts";
import { SimulatedTenant } from "./simulated-tenant.ts";
import type { Seal } from "../../src/store/seal.ts";
import { Trace } from "./trace.ts";
import { Verdicts } from "./verdicts.ts";
import { Visits } from "./visits.ts";

/** A seed and how to run it. */
export interface WorldOptions {
  readonly seed: number;
  readonly isTraced: boolean;
  readonly without: PlantedBug | null;
}

/** What every part of a world leans on. */
interface Ground {
  readonly plan: Plan;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly verdicts: Verdicts;
  readonly conditions: Conditions;
  readonly ends: EndsTruth;
  readonly seal: Seal;
  readonly without: PlantedBug | null;
}

/** Everything around the nodes: time, store, tenant, host, and those who judge. */
export interface Surroundings extends Ground {
  readonly store: SimulatedStore;
  readonly tenant: SimulatedTenant;
  readonly host: Host;
  readonly logins: LoginJudge;
  readonly serving: ServingJudge;
  readonly visits: Visits;
}

/** Builds what a seed decides. */
export function createSurroundings(options: WorldOptions): Surroundings {
  const ground = createGround(options);
  const { plan, random, scheduler, trace, verdicts, ends } = ground;
  const { store, tenant, logins } = createStoreAndTenant(ground);
  const host = new Host({ users: plan.users, random: random.branch(5), flips: plan.flips });
  const serving = new ServingJudge({ scheduler, ends, verdicts, trace });
  const calm = new CalmJudge({ plan, scheduler, ends, verdicts });
  const visits = new Visits({ scheduler, host, tenant, judge: serving, calm, verdicts, trace });
  return { ...ground, store, tenant, logins, host, serving, visits };
}

function createGround({ seed, isTraced, without }: WorldOptions): Ground {
  const random = createRandom(seed);
  const plan = createPlan(random.branch(2));
  const scheduler = new Scheduler();
  const trace = new Trace(scheduler, isTraced);
  const verdicts = new Verdicts(scheduler, trace);
  const conditions = new Conditions(scheduler);
  const ends = new EndsTruth(conditions, plan.storeGrace);
  const seal = plan.isSealed ? createSeal([`the secret of the simulation ${seed}`]) : openSeal;
  return { plan, random, scheduler, trace, verdicts, conditions, ends, seal, without };
}

/** The two that see what nodes really do, and the judges who are told of it. */
function createStoreAndTenant(ground: Ground): Pick<Surroundings, "store" | "tenant" | "logins"> {
  const { random, scheduler, trace, plan } = ground;
  const storeProcess = new SimulatedProcess("store", Math.round(random.between(-5000, 5000)), scheduler);
  const tenant = new SimulatedTenant({
    scheduler,
    random: random.branch(4),
    trace,
    loginSent: (flight) => logins.sent(flight),
  });
  tenant.weather.slowestLogin = plan.slowestLogin;
  const watch: DocumentWatch = new DocumentWatch({
    ...ground,
    storeProcess,
    now: () => scheduler.now,
    committed: (id, before) => logins.committed(id, before),
  });
  const logins: LoginJudge = new LoginJudge({
    ...ground,
    tenant,
    watch,
    storeNow: () => storeProcess.clock.now(),
  });
  const store = new SimulatedStore({ ...ground, process: storeProcess, random: random.branch(3), watch });
  store.weather.delay = plan.storeDelay;
  return { store, tenant, logins };
}
