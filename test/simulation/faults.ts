import type { KeptDocument } from "../../src/store/memory-store.ts";
import type { Conditions } from "./conditions.ts";
import type { Host } from "./host.ts";
import type { FaultKind, Plan } from "./plan.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import type { SimulatedStore } from "./simulated-store.ts";
import type { SimulatedTenant } from "./simulated-tenant.ts";
import type { Trace } from "./trace.ts";

/** What faults act on. */
export interface FaultsOptions {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly conditions: Conditions;
  readonly store: SimulatedStore;
  readonly tenant: SimulatedTenant;
  readonly host: Host;
  readonly trace: Trace;
  readonly nodes: () => readonly [SimulatedNode, ...SimulatedNode[]];
  /** Kills a node; another takes its place after a while. */
  readonly restart: (node: SimulatedNode, after: number) => void;
}

/** How old a replica is that takes over, at most. Milliseconds. */
const replicaLag = 1000;

/** Lets things go wrong, and heals them. */
export class Faults {
  readonly #options: FaultsOptions;
  readonly #healing = new Set<() => void>();
  #replica: ReadonlyMap<string, KeptDocument> = new Map();
  #isOver = false;

  constructor(options: FaultsOptions) {
    this.#options = options;
    const kinds = [...options.plan.faults];
    if (kinds.includes("rollback")) this.#replicate();
    const [first, ...rest] = kinds;
    if (first !== undefined) this.#next([first, ...rest]);
  }

  /** Everything is well from now on. */
  heal(): void {
    this.#isOver = true;
    for (const heal of this.#healing) heal();
  }

  #next(kinds: readonly [FaultKind, ...FaultKind[]]): void {
    const { scheduler, random, plan } = this.#options;
    scheduler.after(random.wait(plan.faultEvery), () => {
      if (this.#isOver) return;
      this.#strike(random.pick(kinds));
      this.#next(kinds);
    });
  }

  #replicate(): void {
    const { scheduler, random, store } = this.#options;
    scheduler.after(random.between(100, replicaLag), () => {
      if (this.#isOver) return;
      if (!store.weather.isDown) this.#replica = store.copy();
      this.#replicate();
    });
  }

  #strike(kind: FaultKind): void {
    const { random } = this.#options;
    switch (kind) {
      case "partition":
        return this.#partition(random.pick(this.#options.nodes()), random.between(300, 8000));
      case "outage":
        return this.#outage(random.between(700, 8000), null);
      case "loss":
        return this.#outage(random.between(700, 5000), new Map());
      case "rollback":
        return this.#outage(random.between(700, 5000), this.#replica);
      case "deaf":
        return this.#deafen(random.pick(this.#options.nodes()), random.between(300, 6000));
      case "lossy-bus":
        return this.#change("bus", "badMessages", random.between(0.05, 0.6), random.between(500, 8000));
      case "lost-replies":
        return this.#change("store", "lostReplies", random.between(0.05, 0.4), random.between(500, 4000));
      case "slow-store":
        return this.#change("store", "delay", random.between(30, 200), random.between(500, 6000));
      case "pause":
        return this.#pause(random.pick(this.#options.nodes()), random.between(100, 9000));
      case "kill":
        return this.#options.restart(random.pick(this.#options.nodes()), random.between(100, 4000));
      case "failing-tenant":
        return this.#tenant("failing", random.between(0.05, 0.6), random.between(500, 6000));
      case "throttling-tenant":
        return this.#tenant("throttling", random.between(0.1, 1), random.between(500, 3000));
      default:
        return this.#refuse(random.between(500, 4000));
    }
  }

  #partition(node: SimulatedNode, ms: number): void {
    const { cutOff } = this.#options.store.weather;
    if (cutOff.has(node.process)) return;
    cutOff.add(node.process);
    const over = this.#begin("store", node, `${node.process.name} is cut off`);
    this.#later(ms, () => {
      cutOff.delete(node.process);
      over();
    });
  }

  #outage(ms: number, documents: ReadonlyMap<string, KeptDocument> | null): void {
    const { store, conditions, scheduler, trace } = this.#options;
    if (store.weather.isDown) return;
    store.weather.isDown = true;
    const over = this.#begin("store", null, "the store is down");
    this.#later(ms, () => {
      store.weather.isDown = false;
      over();
      if (documents === null) return;
      trace.note("store", () => `has lost ${documents.size === 0 ? "everything" : "its latest writes"}`);
      conditions.lostAt = scheduler.now;
      store.fallBack(documents);
    });
  }

  #deafen(node: SimulatedNode, ms: number): void {
    const { deaf } = this.#options.store.weather;
    if (deaf.has(node.process)) return;
    deaf.add(node.process);
    const over = this.#begin("bus", node, `${node.process.name} hears no messages`);
    this.#later(ms, () => {
      deaf.delete(node.process);
      over();
    });
  }

  #pause({ process }: SimulatedNode, ms: number): void {
    const { conditions, trace, random } = this.#options;
    if (process.isPaused || process.isDead) return;
    process.pause();
    const over = conditions.begin("pause", process);
    trace.note(process.name, () => `stands still for ${ms.toFixed(0)} ms`);
    this.#later(ms, () => {
      over();
      trace.note(process.name, () => "goes on");
      process.resume(random.chance(0.5));
    });
  }

  #change(
    trouble: "store" | "bus",
    what: "badMessages" | "lostReplies" | "delay",
    value: number,
    ms: number,
  ): void {
    const { weather } = this.#options.store;
    const usual = what === "delay" ? this.#options.plan.storeDelay : 0;
    if (weather[what] !== usual) return;
    weather[what] = value;
    const over = this.#begin(trouble, null, `${what} ${value.toFixed(2)}`);
    this.#later(ms, () => {
      weather[what] = usual;
      over();
    });
  }

  #tenant(what: "failing" | "throttling", value: number, ms: number): void {
    const { tenant, trace } = this.#options;
    if (tenant.weather[what] > 0) return;
    tenant.weather[what] = value;
    trace.note("tenant", () => `${what} ${value.toFixed(2)}`);
    this.#later(ms, () => {
      tenant.weather[what] = 0;
    });
  }

  #refuse(ms: number): void {
    const { tenant, host, random, trace } = this.#options;
    const [first, ...rest] = host.users;
    if (!first) return;
    const { subject } = random.pick([first, ...rest]);
    tenant.refused.add(subject);
    trace.note("tenant", () => `refuses ${subject}`);
    this.#later(ms, () => void tenant.refused.delete(subject));
  }

  #begin(trouble: "store" | "bus", node: SimulatedNode | null, what: string): () => void {
    const { conditions, trace, store } = this.#options;
    trace.note("fault", () => `${what} …`);
    const over = conditions.begin(trouble, node?.process ?? null);
    return () => {
      trace.note("fault", () => `… ${what}: over`);
      // What was sent just before is still on its way.
      this.#options.scheduler.after(store.weather.delay * 40, over);
    };
  }

  #later(ms: number, heal: () => void): void {
    const once = (): void => {
      if (this.#healing.delete(once)) heal();
    };
    this.#healing.add(once);
    this.#options.scheduler.after(ms, once);
  }
}
