import type { Scheduler } from "./scheduler.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** What can be wrong around a process: its calls of the store fail or are slow; messages go astray; it stands still. */
export type Trouble = "store" | "bus" | "pause";

interface Spell {
  readonly process: SimulatedProcess | null;
  readonly trouble: Trouble;
  readonly from: number;
  until: number | null;
}

/** Remembers when what was wrong with whom: only a fault excuses, and only for its time. */
export class Conditions {
  /** When the store last lost documents and was back; -Infinity for never. */
  lostAt: number = Number.NEGATIVE_INFINITY;
  readonly #scheduler: Scheduler;
  readonly #spells: Spell[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** A fault begins, for one process or for all; the returned function ends it. */
  begin(trouble: Trouble, process: SimulatedProcess | null): () => void {
    const spell: Spell = { process, trouble, from: this.#scheduler.now, until: null };
    this.#spells.push(spell);
    return () => {
      spell.until ??= this.#scheduler.now;
    };
  }

  /** When the last spell began that still lasts; null where there is none. */
  since(trouble: Trouble, process: SimulatedProcess): number | null {
    const lasting = this.#of(trouble, process).filter(({ until }) => until === null);
    return lasting.length === 0 ? null : Math.max(...lasting.map(({ from }) => from));
  }

  /** When a trouble was over; now while it lasts, -Infinity where there was none. */
  overAt(trouble: Trouble, process: SimulatedProcess): number {
    const ends = this.#of(trouble, process).map(({ until }) => until ?? this.#scheduler.now);
    return Math.max(Number.NEGATIVE_INFINITY, ...ends);
  }

  /** Whether anything was wrong with a process at `moment` or since, its death included. */
  wasTroubled(process: SimulatedProcess, moment: number): boolean {
    if (process.isDead || this.lostAt >= moment) return true;
    return (["store", "bus", "pause"] as const).some((trouble) => this.overAt(trouble, process) >= moment);
  }

  #of(trouble: Trouble, process: SimulatedProcess): readonly Spell[] {
    return this.#spells.filter(
      (spell) => spell.trouble === trouble && (spell.process === null || spell.process === process),
    );
  }
}
