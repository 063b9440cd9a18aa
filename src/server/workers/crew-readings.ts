import { ServerMetrics } from "../metrics/server-metrics.ts";
import { addSnapshots, idleStats, type Readings, remainsOf, type Snapshot } from "../metrics/snapshot.ts";
import type { Crew } from "./crew.ts";

/**
 * What all workers have counted, as one server. Of a worker that dies, what it had counted at the last reading stays, so
 * that somebody must read now and then: the console does, for its charts.
 */
export class CrewReadings implements Readings {
  readonly #crew: Pick<Crew, "collect">;
  /** No traffic passes this process; it has CPU time and memory, and a nought for whatever has not happened yet. */
  readonly #own = new ServerMetrics(() => idleStats);
  /** The last snapshots of those that served when they were last asked, by name. */
  #last: ReadonlyMap<string, Snapshot> = new Map();
  /** What those have counted that are dead. */
  #remains: readonly Snapshot[] = [];
  #current: Promise<unknown> = Promise.resolve();
  #next: Promise<Snapshot> | null = null;

  constructor(crew: Pick<Crew, "collect">) {
    this.#crew = crew;
  }

  /** One after the other, or a late answer would pass for a death; who asks while one waits to begin gets that one. */
  read(): Promise<Snapshot> {
    this.#next ??= this.#begin(this.#current);
    return this.#next;
  }

  close(): void {
    this.#own.close();
  }

  async #begin(before: Promise<unknown>): Promise<Snapshot> {
    await before.catch(() => {});
    const reading = this.#take();
    this.#current = reading;
    this.#next = null;
    return reading;
  }

  async #take(): Promise<Snapshot> {
    const counts = await this.#crew.collect("counts");
    const serving = new Map(counts.map(({ node, snapshot }) => [node, snapshot]));
    const dead = [...this.#last].filter(([node]) => !serving.has(node)).map(([, last]) => remainsOf(last));
    // One sum, so that there is no more of it with every death.
    const [first, ...others] = [...this.#remains, ...dead];
    this.#remains = first === undefined ? [] : [addSnapshots(first, ...others)];
    this.#last = serving;
    const own = this.#own.read();
    const stats = { ...own.stats, storeReachable: serving.size > 0 };
    return addSnapshots({ ...own, stats }, ...this.#remains, ...serving.values());
  }
}
