/** What happens at a moment of virtual time. */
interface SimulatedEvent {
  readonly at: number;
  /** Events of one moment happen in the order in which they were planned. */
  readonly order: number;
  run: (() => void) | null;
}

/** The virtual time at which every simulation begins. Milliseconds since the Unix epoch; any whole second would do. */
export const beginning = 1_800_000_000_000;

/**
 * Immediates asked for at once. Node drains the queue of promises between any two of them, but looks at its sockets
 * once for all: a third of the cost of one at a time, measured on Node 20 (0.4 instead of 1.3 µs).
 */
const batch = 64;

/** Virtual time: events happen one after the other, each with everything that follows from it without waiting. */
export class Scheduler {
  #now = 0;
  #order = 0;
  #happened = 0;
  #isStopped = false;
  readonly #heap: SimulatedEvent[] = [];

  /** Milliseconds since the beginning, with fractions. */
  get now(): number {
    return this.#now;
  }

  /** Events that have happened. */
  get happened(): number {
    return this.#happened;
  }

  /** Plans an event; the returned function takes it back. */
  after(ms: number, run: () => void): () => void {
    const event: SimulatedEvent = { at: this.#now + Math.max(0, ms), order: this.#order, run };
    this.#order += 1;
    push(this.#heap, event);
    return () => {
      event.run = null;
    };
  }

  /** Nothing happens any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Lets everything happen up to a moment; rejects with what an event throws. */
  async runUntil(end: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      let over = false;
      let waiting = 0;
      const finish = (settle: () => void): void => {
        over = true;
        settle();
      };
      const step = (): void => {
        waiting -= 1;
        if (over) return;
        try {
          if (this.#isStopped || !this.#step(end)) finish(resolve);
          else if (waiting === 0) refill();
        } catch (error) {
          finish(() => reject(error as Error));
        }
      };
      const refill = (): void => {
        waiting = batch;
        for (let index = 0; index < batch; index += 1) setImmediate(step);
      };
      refill();
    });
    if (!this.#isStopped) this.#now = end;
  }

  /** Lets the next event happen; false where there is none before `end`. */
  #step(end: number): boolean {
    for (let event = this.#heap[0]; event && event.at <= end; event = this.#heap[0]) {
      pop(this.#heap);
      if (event.run === null) continue;
      this.#now = event.at;
      this.#happened += 1;
      event.run();
      return true;
    }
    return false;
  }
}

const before = (one: SimulatedEvent, other: SimulatedEvent): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

function push(heap: SimulatedEvent[], event: SimulatedEvent): void {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (!above || !before(event, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: SimulatedEvent[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    const least = right && left && before(right, left) ? right : left;
    if (!least || !before(least, last)) break;
    heap[at] = least;
    at = least === left ? 2 * at + 1 : 2 * at + 2;
  }
  heap[at] = last;
}
