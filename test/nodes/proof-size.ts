/**
 * The size of a proof: what `node tools/prove.mjs` was told in `PROOF_…`, or the size for every test run. Parts of the
 * proofs last as long as one has patience; a test run does not.
 */
export function proofNumber(name: string, inEveryRun: number): number {
  const given = process.env[`PROOF_${name.toUpperCase().replaceAll("-", "_")}`];
  if (given === undefined) return inEveryRun;
  const value = Number(given);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not ${given}`);
  return value;
}

/** The longest that a test of real processes may take on a machine that has much else to do. Milliseconds. */
export const longestProof = 120_000;
