/** Seconds of its own CPU that a contender may spend on its warm-up: on a busy machine they take longer than a second each. */
export interface WarmTimes {
  /** Before the first load that a process is given, when nothing of it is compiled yet. */
  readonly first: number;
  /** Before each later one, which may take other paths. */
  readonly later: number;
}

/** What a look at a contender said: what a unit costs, and how much CPU all of them took. */
interface Look {
  readonly cost: number;
  readonly spent: number;
}

/** Two looks closer than that are the same. */
const steady = 0.1;

/** A single look that is like the one before may be chance, while a compiler is still at work. */
const looksAlike = 2;

/** However little a contender spends, it is not looked at more often for each second that it may spend. */
const looksASecond = 5;

/** Looks until as many in a row cost as much as the one before each, or until enough is spent. */
export async function untilSteady(most: number, look: () => Promise<Look>): Promise<void> {
  let [total, alike, last] = [0, 0, Number.NaN];
  for (let looks = 0; looks < most * looksASecond; looks += 1) {
    const { cost, spent } = await look();
    alike = Math.abs(cost - last) < steady * last ? alike + 1 : 0;
    last = cost;
    total += spent;
    if (total >= most || alike >= looksAlike) return;
  }
}
