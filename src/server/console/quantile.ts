import { bucketBounds } from "../metrics/instruments.ts";

/**
 * The value below which a share of what was observed lies, in milliseconds; null where nothing was. Between the bounds of a
 * bucket it is taken to be spread evenly, and above the last bound to be at it.
 */
export function quantile(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = share * total;
  for (const [index, count] of counts.entries()) {
    const upper = bucketBounds[index];
    if (upper === undefined) break;
    if (count > 0 && left <= count) {
      const lower = bucketBounds[index - 1] ?? 0;
      return Math.round((lower + (left / count) * (upper - lower)) * 10) / 10;
    }
    left -= count;
  }
  return bucketBounds.at(-1) ?? null;
}
