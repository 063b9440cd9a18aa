import type { SimulatedNode } from "./simulated-node.ts";
import type { Surroundings } from "./surroundings.ts";

/** How often the lookout looks. Milliseconds. */
const lookEvery = 250;

/**
 * The longest that anybody waits for an answer. Milliseconds: three logins of other nodes and one of its own, each with
 * what is asked of the store around it.
 */
const longestWait = 30_000;

/** Events in one look that are a storm: ten times of what the busiest worlds need. */
const mostEvents = 2500;

/** Looks at open sockets, at those who wait and at how much happens, all the time. */
export class Lookout {
  readonly #surroundings: Surroundings;
  readonly #nodes: () => readonly SimulatedNode[];
  #happened = 0;

  constructor(surroundings: Surroundings, nodes: () => readonly SimulatedNode[]) {
    this.#surroundings = surroundings;
    this.#nodes = nodes;
    this.#next();
  }

  #next(): void {
    this.#surroundings.scheduler.after(lookEvery, () => {
      for (const node of this.#nodes()) this.#surroundings.serving.look(node);
      this.#lookAtWaiters();
      this.#lookAtEvents();
      this.#next();
    });
  }

  #lookAtWaiters(): void {
    const { scheduler, visits, verdicts } = this.#surroundings;
    for (const { node, what, since } of visits.waiting) {
      const { process } = node;
      if (process.isDead || process.isPaused) continue;
      const waited = scheduler.now - Math.max(since, process.resumedAt);
      if (waited <= longestWait) continue;
      verdicts.violated(
        "every-waiter-is-answered",
        `${what} waits at ${process.name} for ${waited.toFixed(0)} ms`,
      );
    }
  }

  #lookAtEvents(): void {
    const { scheduler, verdicts } = this.#surroundings;
    const count = scheduler.happened - this.#happened;
    this.#happened = scheduler.happened;
    if (count > mostEvents) verdicts.violated("no-storm", `${count} events in ${lookEvery} ms`);
  }
}
