/** Joins concurrent callers of the same key in one run of a task. */
export interface SingleFlight<K, V> {
  /** Runs `task`, or waits for the run of `key` that is under way; its outcome, good or bad, goes to all. */
  run(key: K, task: () => V | Promise<V>): Promise<V>;
  /** Whether a run of `key` is under way. */
  has(key: K): boolean;
  /** How many runs are under way. */
  readonly size: number;
}

/** Makes a single flight; nothing of a run is kept after it has settled. */
export function createSingleFlight<K, V>(): SingleFlight<K, V> {
  const flights = new Map<K, Promise<V>>();

  const start = async (key: K, task: () => V | Promise<V>): Promise<V> => {
    try {
      // One turn later, so that the flight is known before the task can ask for the same key or fail.
      await Promise.resolve();
      return await task();
    } finally {
      flights.delete(key);
    }
  };

  return {
    run(key, task) {
      const underway = flights.get(key);
      if (underway !== undefined) return underway;
      const flight = start(key, task);
      flights.set(key, flight);
      return flight;
    },
    has: (key) => flights.has(key),
    get size() {
      return flights.size;
    },
  };
}
