/** Bytes that a process holds after its garbage was taken out. */
export interface MemorySample {
  readonly heap: number;
  readonly rss: number;
}

const mebibyte = 1024 * 1024;

/** Nothing to worry about below this, whatever the share: caches fill, code is compiled. Bytes. */
const slack = 32 * mebibyte;

/** Says how memory grows without an end in sight; null where it does not. */
export function isGrowing(of: {
  readonly warm: MemorySample;
  readonly atEnd: MemorySample;
  /** One each minute. */
  readonly samples: readonly MemorySample[];
}): string | null {
  const { warm, atEnd, samples } = of;
  const say = (from: number, to: number): string =>
    `the heap went from ${(from / mebibyte).toFixed(1)} to ${(to / mebibyte).toFixed(1)} MiB`;
  if (atEnd.heap > warm.heap * 1.5 + slack) return say(warm.heap, atEnd.heap);
  // A slow leak shows in a long run: the last quarter against the second one.
  const quarter = Math.floor(samples.length / 4);
  if (quarter < 3) return null;
  const early = mean(samples.slice(quarter, 2 * quarter));
  const late = mean(samples.slice(-quarter));
  return late > early * 1.25 + slack / 4 ? say(early, late) : null;
}

const mean = (samples: readonly MemorySample[]): number =>
  samples.reduce((sum, { heap }) => sum + heap, 0) / samples.length;
