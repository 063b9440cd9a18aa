import { createSeal } from "../../src/store/seal.ts";
import { Conditions } from "./conditions.ts";
import { DocumentWatch } from "./document-watch.ts";
import { EndsTruth } from "./ends-truth.ts";
import { Faults } from "./faults.ts";
import { Host, type Browser } from "./host.ts";
import { openSeal } from "./open-seal.ts";
import { LoginJudge } from "./login-judge.ts";
import { People } from "./people.ts";
import { createPlan, type Plan } from "./plan.ts";
import { createRandom } from "./random.ts";
import { Scheduler } from "./scheduler.ts";
import { ServingJudge } from "./serving-judge.ts";
import { SimulatedNode } from "./simulated-node.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { SimulatedStore, type PlantedBug } from "./simulated-store.ts";
import { SimulatedTenant } from "./simulated-tenant.ts";
import { Trace } from "./trace.ts";
import { Verdicts } from "./verdicts.ts";
import { Visits, type VisitOutcome } from "./visits.ts";

/** A seed and how to run it. */
export interface WorldOptions {
  readonly seed: number;
  readonly isTraced: boolean;
  readonly without: PlantedBug | null;
}

/** How often sockets and waiters are looked at. Milliseconds. */
const lookEvery = 250;

/** The longest that anybody waits for an answer. Milliseconds; see `#lookAtWaiters` */
const longestWait = 30_000;

/** More events in a second than this are a storm: ten times of what the busiest worlds need. */
const mostEvents = 10_000;

/** After the last fault everything has settled within this. Milliseconds: two leases, or a dozen tries of a commit. */
const settledAfter = 6000;

/** After the last request everything has been said to the tenant within this. Milliseconds. */
const finishedAfter = 2500;

/** A refusal is remembered for so long at most. Milliseconds; the longest hold of the login gate */
const longestHold = 70_000;

/** The users' and the tenant's world around the nodes of one seed. */
export class World {
  readonly plan: Plan;
  readonly scheduler: Scheduler = new Scheduler();
  readonly trace: Trace;
  readonly verdicts: Verdicts;
  readonly tenant: SimulatedTenant;
  readonly #host: Host;
  readonly #visits: Visits;
  readonly #judge: ServingJudge;
  readonly #logins: LoginJudge;
  readonly #faults: Faults;
  readonly #people: People;
  readonly #start: (name: string, skew: number) => SimulatedNode;
  readonly #store: SimulatedStore;
  #nodes: readonly [SimulatedNode, ...SimulatedNode[]];
  #happened = 0;

  constructor({ seed, isTraced, without }: WorldOptions) {
    const random = createRandom(seed);
    this.plan = createPlan(random.branch(2));
    const { plan, scheduler } = this;
    const trace = new Trace(scheduler, isTraced);
    const verdicts = new Verdicts(scheduler, trace);
    const conditions = new Conditions(scheduler);
    const ends = new EndsTruth(conditions, plan.storeGrace);
    const seal = plan.isSealed ? createSeal([`the secret of the simulation ${seed}`]) : openSeal;
    const storeProcess = new SimulatedProcess("store", Math.round(random.between(-5000, 5000)), scheduler);
    this.trace = trace;
    this.verdicts = verdicts;
    this.#logins = new LoginJudge({
      plan,
      scheduler,
      conditions,
      verdicts,
      trace,
      tenant: () => this.tenant,
      watch: () => watch,
      storeNow: () => storeProcess.clock.now(),
    });
    const watch = new DocumentWatch({
      seal,
      storeProcess,
      now: () => scheduler.now,
      conditions,
      ends,
      verdicts,
      trace,
      without,
      committed: (id, before) => this.#logins.committed(id, before),
    });
    const store = new SimulatedStore({
      process: storeProcess,
      scheduler,
      random: random.branch(3),
      watch,
      without,
    });
    store.weather.delay = plan.storeDelay;
    this.#store = store;
    this.tenant = new SimulatedTenant({
      scheduler,
      random: random.branch(4),
      trace,
      loginSent: (flight) => this.#logins.sent(flight),
    });
    const { tenant } = this;
    tenant.weather.slowestLogin = plan.slowestLogin;
    const host = new Host({ users: plan.users, random: random.branch(5), flips: plan.flips });
    this.#host = host;
    this.#judge = new ServingJudge({ scheduler, ends, verdicts, trace });
    this.#visits = new Visits({ scheduler, host, tenant, judge: this.#judge, verdicts, trace });
    this.#start = (name, skew) =>
      new SimulatedNode(name, skew, { scheduler, store, tenant, trace, seal, ...plan });
    const [first = 0, ...rest] = plan.skews;
    this.#nodes = [
      this.#start("n1", first),
      ...rest.map((skew, index) => this.#start(`n${index + 2}`, skew)),
    ];
    const nodes = (): readonly [SimulatedNode, ...SimulatedNode[]] => this.#nodes;
    this.#people = new People({
      plan,
      scheduler,
      random: random.branch(6),
      host,
      tenant,
      ends,
      visits: this.#visits,
      verdicts,
      trace,
      nodes,
    });
    this.#faults = new Faults({
      plan,
      scheduler,
      random: random.branch(7),
      conditions,
      store,
      tenant,
      host,
      trace,
      nodes,
      restart: (node, after) => this.#restart(node, after),
    });
    this.#look();
  }

  /** Lives through the busy time and the quiet one after it. */
  async run(): Promise<void> {
    const { scheduler, trace } = this;
    await scheduler.runUntil(this.plan.busyFor);
    trace.note("world", () => "all is well from now on");
    this.#faults.heal();
    this.#people.rest();
    await scheduler.runUntil(scheduler.now + settledAfter);
    this.#people.signInAll();
    await this.#visitAll();
    await scheduler.runUntil(scheduler.now + finishedAfter);
    while (this.#isAwaited() && !this.#isOver()) await scheduler.runUntil(scheduler.now + finishedAfter);
    if (!this.#isOver()) this.#logins.lookBack();
  }

  /** Whether somebody still waits for an answer; who waits too long is seen by the looks. */
  #isAwaited(): boolean {
    return [...this.#visits.waiting].some(({ node }) => !node.process.isDead);
  }

  #isOver(): boolean {
    return this.verdicts.violations.length > 0;
  }

  /** Everybody visits every node, and finds the one session that is his or hers. */
  async #visitAll(): Promise<void> {
    const browsers = this.#host.users.flatMap((user) => user.browsers);
    const visits = browsers.map((browser) => this.#visitUntilServed(browser));
    let isOver = false;
    void Promise.all(visits).then(() => {
      isOver = true;
    });
    const latest = this.scheduler.now + longestHold;
    while (!isOver && this.scheduler.now < latest && !this.#isOver()) {
      await this.scheduler.runUntil(this.scheduler.now + 500);
    }
    if (!isOver) this.verdicts.violated("every-waiter-is-answered", "somebody cannot work after all is well");
  }

  async #visitUntilServed(browser: Browser): Promise<void> {
    for (const node of this.#nodes) {
      for (;;) {
        const outcome = await this.#visits.request(node, browser);
        if (outcome.kind === "served") {
          this.#logins.mustBeShared(outcome.record, node);
          break;
        }
        this.#mayBeRefused(outcome, browser, node);
        const wait = outcome.kind === "refused" ? (outcome.retryAfter ?? 1) * 1000 : 1000;
        await new Promise<void>((resolve) => this.scheduler.after(Math.max(250, wait), resolve));
      }
    }
  }

  /** Only what the tenant said before may keep anybody out after all is well. */
  #mayBeRefused(outcome: VisitOutcome, { user }: Browser, { process }: SimulatedNode): void {
    if (outcome.kind !== "refused") return;
    if (
      [
        "QSP-USER-REFUSED",
        "QSP-TENANT-THROTTLED",
        "QSP-UPSTREAM",
        "QSP-TIMEOUT",
        "QSP-BUSY",
        "QSP-UNAUTHENTICATED",
      ].includes(outcome.code)
    )
      return;
    this.verdicts.violated(
      "every-waiter-is-answered",
      `${process.name} refuses ${user.subject} with ${outcome.code}`,
    );
  }

  #restart(node: SimulatedNode, after: number): void {
    const others = this.#nodes.filter((each) => each !== node);
    const [first, ...rest] = others;
    if (!first) return;
    this.#nodes = [first, ...rest];
    this.trace.note(node.process.name, () => "is killed");
    node.process.kill();
    this.#store.disconnect(node.process);
    this.scheduler.after(after, () => {
      const fresh = this.#start(`${node.process.name}'`, node.process.skew);
      this.#nodes = [...this.#nodes, fresh];
    });
  }

  #look(): void {
    this.scheduler.after(lookEvery, () => {
      for (const node of this.#nodes) this.#judge.look(node);
      this.#lookAtWaiters();
      const { happened } = this.scheduler;
      if (happened - this.#happened > (mostEvents * lookEvery) / 1000) {
        this.verdicts.violated("no-storm", `${happened - this.#happened} events in ${lookEvery} ms`);
      }
      this.#happened = happened;
      this.#look();
    });
  }

  /** Nobody waits for ever: a login has an end, a lease too, and so has the number of turns. */
  #lookAtWaiters(): void {
    const { now } = this.scheduler;
    for (const { node, what, since } of this.#visits.waiting) {
      if (node.process.isDead || node.process.isPaused) continue;
      const waited = now - Math.max(since, node.process.resumedAt);
      if (waited > longestWait) {
        this.verdicts.violated(
          "every-waiter-is-answered",
          `${what} waits at ${node.process.name} for ${waited} ms`,
        );
      }
    }
  }
}
