import { Faults } from "./faults.ts";
import type { Browser } from "./host.ts";
import { Lookout } from "./lookout.ts";
import { People } from "./people.ts";
import { SimulatedNode } from "./simulated-node.ts";
import { createSurroundings, type Surroundings, type WorldOptions } from "./surroundings.ts";
import type { VisitOutcome } from "./visits.ts";

/** After the last fault everything has settled within this. Milliseconds: two leases, or a dozen tries of a commit. */
const settledAfter = 6000;

/** After the last request everything has been said to the tenant within this. Milliseconds. */
const finishedAfter = 2500;

/** A refusal is remembered for so long at most. Milliseconds: the longest hold of the login gate, and some. */
const longestHold = 70_000;

/** What may keep somebody out for a while after all is well: what the tenant said before, or an end. */
const mayBeRefused = [
  "QSP-USER-REFUSED",
  "QSP-TENANT-THROTTLED",
  "QSP-UPSTREAM",
  "QSP-TIMEOUT",
  "QSP-BUSY",
  "QSP-UNAUTHENTICATED",
];

/** The nodes of one seed and the world around them. */
export class World {
  readonly surroundings: Surroundings;
  readonly #faults: Faults;
  readonly #people: People;
  #nodes: readonly [SimulatedNode, ...SimulatedNode[]];

  constructor(options: WorldOptions) {
    const surroundings = createSurroundings(options);
    this.surroundings = surroundings;
    const [first = 0, ...rest] = surroundings.plan.skews;
    this.#nodes = [
      new SimulatedNode("n1", first, surroundings),
      ...rest.map((skew, index) => new SimulatedNode(`n${index + 2}`, skew, surroundings)),
    ];
    const nodes = (): readonly [SimulatedNode, ...SimulatedNode[]] => this.#nodes;
    const { random } = surroundings;
    this.#people = new People({ ...surroundings, random: random.branch(6), nodes });
    this.#faults = new Faults({
      ...surroundings,
      random: random.branch(7),
      nodes,
      restart: (node, after) => this.#restart(node, after),
    });
    // It plans its own next look, and needs nobody who holds it.
    void new Lookout(surroundings, nodes);
  }

  /** Lives through the busy time and the quiet one after it. */
  async run(): Promise<void> {
    const { scheduler, trace, plan, logins } = this.surroundings;
    await scheduler.runUntil(plan.busyFor);
    trace.note("world", () => "all is well from now on");
    this.#faults.heal();
    this.#people.rest();
    await scheduler.runUntil(scheduler.now + settledAfter);
    this.#people.signInAll();
    await this.#visitAll();
    await scheduler.runUntil(scheduler.now + finishedAfter);
    while (this.#isAwaited() && !this.#isOver()) await scheduler.runUntil(scheduler.now + finishedAfter);
    if (!this.#isOver()) logins.lookBack();
  }

  /** Whether somebody still waits for an answer; who waits too long is seen by the lookout. */
  #isAwaited(): boolean {
    return [...this.surroundings.visits.waiting].some(({ node }) => !node.process.isDead);
  }

  #isOver(): boolean {
    return this.surroundings.verdicts.violations.length > 0;
  }

  /** Everybody visits every node, and finds the one session that is his or hers. */
  async #visitAll(): Promise<void> {
    const { scheduler, host, verdicts } = this.surroundings;
    const browsers = host.users.flatMap((user) => user.browsers);
    let isDone = false;
    void Promise.all(browsers.map((browser) => this.#visitUntilServed(browser))).then(() => {
      isDone = true;
    });
    const latest = scheduler.now + longestHold;
    while (!isDone && scheduler.now < latest && !this.#isOver())
      await scheduler.runUntil(scheduler.now + 500);
    if (!isDone && !this.#isOver()) {
      verdicts.violated("every-waiter-is-answered", "somebody cannot work after all is well");
    }
  }

  async #visitUntilServed(browser: Browser): Promise<void> {
    const { visits, logins } = this.surroundings;
    for (const node of this.#nodes) {
      let outcome = await visits.request(node, browser);
      while (outcome.kind !== "served") {
        await this.#waitAfter(outcome, browser, node);
        outcome = await visits.request(node, browser);
      }
      logins.mustBeShared(outcome.record, node);
    }
  }

  async #waitAfter(outcome: VisitOutcome, { user }: Browser, { process }: SimulatedNode): Promise<void> {
    const { scheduler, verdicts } = this.surroundings;
    const isRefused = outcome.kind === "refused";
    if (isRefused && !mayBeRefused.includes(outcome.code)) {
      verdicts.violated(
        "every-waiter-is-answered",
        `${process.name} refuses ${user.subject} with ${outcome.code}`,
      );
    }
    const wait = isRefused ? (outcome.retryAfter ?? 1) * 1000 : 1000;
    await new Promise<void>((resolve) => scheduler.after(Math.max(250, wait), resolve));
  }

  /** Kills a node, unless it is the last one; the next takes its place after a while. */
  #restart(node: SimulatedNode, after: number): void {
    const { trace, store, scheduler } = this.surroundings;
    const [first, ...rest] = this.#nodes.filter((each) => each !== node);
    if (!first) return;
    this.#nodes = [first, ...rest];
    const { process } = node;
    trace.note(process.name, () => "is killed");
    process.kill();
    store.disconnect(process);
    scheduler.after(after, () => {
      this.#nodes = [...this.#nodes, new SimulatedNode(`${process.name}'`, process.skew, this.surroundings)];
    });
  }
}
