/** A seed that once violated an invariant, and what was wrong. */
export interface KnownSeed {
  readonly seed: number;
  readonly story: string;
}

/**
 * Seeds that found something. What a seed lives through changes with the simulation and with the session code, so that a
 * seed guards its own story only for a while; the stories that must never come back have tests of their own.
 */
export const knownSeeds: readonly KnownSeed[] = [
  { seed: 29, story: "a log-out is lost with the store, and hidden by the later end of another node" },
  { seed: 1606, story: "a log-out whose answer is lost leaves its session at the tenant" },
  { seed: 12, story: "a node that has not reached the store yet forgets the log-out that it was asked for" },
  { seed: 3956, story: "a node that was alone with an empty store keeps its own index key for seconds" },
  { seed: 6437, story: "a socket of a node that is cut off from the store outlives the grace" },
  {
    seed: 267,
    story: "a login that was made void by a log-out holds up the next one for the time of its lease",
  },
  { seed: 613, story: "who comes back after a log-out shares the refusal of a request from before it" },
  { seed: 9, story: "a node ends a session as idle that was used at another one a moment ago" },
];
