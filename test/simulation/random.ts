/** Random numbers that a seed decides. */
export interface Random {
  /** A number from 0 up to, but not including, 1. */
  next(): number;
  /** A number from `low` up to `high`. */
  between(low: number, high: number): number;
  /** A whole number from 0 up to, but not including, `count`. */
  below(count: number): number;
  /** True in that part of the cases, 0 to 1. */
  chance(part: number): boolean;
  pick<T>(from: readonly [T, ...T[]]): T;
  /** The wait until the next of events that come without memory, `mean` apart. */
  wait(mean: number): number;
  /** Other numbers that this seed and `label` decide, so that one part's use does not move another's. */
  branch(label: number): Random;
}

/** Steps until the seed has reached every bit. */
const warmUp = 12;

/** The golden ratio, as 32 bits: an odd constant that spreads neighbouring seeds apart. */
const golden = 0x9e3779b9;

/** Creates the numbers of a seed: sfc32, "small fast counting", by Chris Doty-Humphrey (PractRand). */
export function createRandom(seed: number, label = 0): Random {
  let a = seed | 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = Math.imul(label + 1, golden);
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let step = 0; step < warmUp; step += 1) next();
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    below: (count) => Math.floor(next() * count),
    chance: (part) => next() < part,
    pick: <T>(from: readonly [T, ...T[]]) => from[Math.floor(next() * from.length)] ?? from[0],
    wait: (mean) => -Math.log(1 - next()) * mean,
    branch: (other) => createRandom(seed, label * 1000 + other),
  };
}
