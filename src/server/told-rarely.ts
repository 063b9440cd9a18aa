/** How often the operator is told of the same thing. Milliseconds. */
const tellEvery = 60_000;

/** Passes on at most one call a minute: the log must not be what somebody fills. */
export function createRareTeller<Arguments extends readonly unknown[]>(
  tell: (...given: Arguments) => void,
): (...given: Arguments) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return (...given) => {
    if (performance.now() - toldAt < tellEvery) return;
    toldAt = performance.now();
    tell(...given);
  };
}
