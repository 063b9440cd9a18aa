/** The place of one subject in the queue; whoever comes back in time has it still. */
export interface Place<Waiter> {
  readonly subject: string;
  readonly waiters: Set<Waiter>;
  /** Goes up with every place that is taken. */
  number: number;
  /** Until when the place is kept without a waiter. Milliseconds since the Unix epoch. */
  keptUntil: number;
}

/** How many are before a place. */
export interface Ahead {
  readonly places: number;
  /** Those of them where somebody waits now. */
  readonly waiting: number;
}

/** Places that are over are swept out this often at most. Milliseconds. */
const sweepEvery = 1000;

/**
 * Keeps one place for each subject, in the order of their first arrival.
 *
 * A place without a waiter is passed over, not lost: the subject was told when to come back, and is served before those
 * who came later.
 */
export class Places<Waiter> {
  /** In the order of their numbers. */
  readonly #places = new Map<string, Place<Waiter>>();
  readonly #most: number;
  #latest = 0;
  #waiting = 0;
  #waiters = 0;
  #sweptAt = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#places.size;
  }

  /** Number of those who wait now. */
  get waiters(): number {
    return this.#waiters;
  }

  /** The place of a subject: the one it has, or else the last; null where all are taken. */
  take(subject: string, now: number): Place<Waiter> | null {
    this.#sweep(now);
    const found = this.#places.get(subject);
    if (found && !isOver(found, now)) return found;
    if (found) this.#places.delete(subject);
    if (this.#places.size >= this.#most) return null;
    const place = { subject, waiters: new Set<Waiter>(), number: 0, keptUntil: now };
    this.#append(place);
    return place;
  }

  join(place: Place<Waiter>, waiter: Waiter): void {
    if (place.waiters.size === 0) this.#waiting += 1;
    place.waiters.add(waiter);
    this.#waiters += 1;
  }

  leave(place: Place<Waiter>, waiter: Waiter): void {
    if (!place.waiters.delete(waiter)) return;
    this.#waiters -= 1;
    if (place.waiters.size === 0) this.#waiting -= 1;
  }

  /** Takes out the first who waits. Where more wait at the same place, they go on at its end: others come between. */
  shift(): Waiter | undefined {
    for (const place of this.#places.values()) {
      const [waiter] = place.waiters;
      if (waiter === undefined) continue;
      this.leave(place, waiter);
      this.#places.delete(place.subject);
      if (place.waiters.size > 0) this.#append(place);
      return waiter;
    }
    return undefined;
  }

  ahead(place: Place<Waiter>): Ahead {
    if (place.number === this.#latest) {
      const own = place.waiters.size > 0 ? 1 : 0;
      return { places: this.#places.size - 1, waiting: this.#waiting - own };
    }
    let places = 0;
    let waiting = 0;
    for (const each of this.#places.values()) {
      if (each.number >= place.number) break;
      places += 1;
      if (each.waiters.size > 0) waiting += 1;
    }
    return { places, waiting };
  }

  /** The places where somebody waits, in their order; those that are left meanwhile do not count for the later ones. */
  *present(): Generator<{ readonly place: Place<Waiter>; readonly ahead: Ahead }> {
    let places = 0;
    let waiting = 0;
    for (const place of this.#places.values()) {
      if (place.waiters.size > 0) yield { place, ahead: { places, waiting } };
      places += 1;
      if (place.waiters.size > 0) waiting += 1;
    }
  }

  #append(place: Place<Waiter>): void {
    this.#latest += 1;
    place.number = this.#latest;
    this.#places.set(place.subject, place);
  }

  #sweep(now: number): void {
    if (Math.abs(now - this.#sweptAt) < sweepEvery) return;
    this.#sweptAt = now;
    for (const [subject, place] of this.#places) if (isOver(place, now)) this.#places.delete(subject);
  }
}

const isOver = (place: Place<unknown>, now: number): boolean =>
  place.waiters.size === 0 && place.keptUntil < now;
