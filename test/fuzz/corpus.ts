import type { Random } from "../simulation/random.ts";
import type { FuzzCase } from "./fuzz-case.ts";

/** Cases that showed something new, for others to begin from. */
export interface Corpus {
  /** How many different things cases have led to. */
  readonly outcomes: number;
  readonly size: number;
  pick(random: Random): FuzzCase | null;
  /** Keeps a case if nothing like its outcome was seen before. */
  offer(fuzzCase: FuzzCase, outcome: string): void;
  /** Keeps a case for another reason: code that had never run before ran. */
  keep(fuzzCase: FuzzCase): void;
}

/** Cases that are kept; then the oldest makes room. */
const mostKept = 1500;

/** Larger cases are not kept: what they show, smaller ones show too. Bytes. */
const largestKept = 32 * 1024;

/** Outcomes that are remembered. */
const mostOutcomes = 100_000;

export function createCorpus(first: readonly FuzzCase[]): Corpus {
  const kept = [...first];
  const seen = new Set<string>();
  const keep = (fuzzCase: FuzzCase): void => {
    if (sizeOf(fuzzCase) > largestKept) return;
    if (kept.length < mostKept) kept.push(fuzzCase);
    else kept[first.length + (seen.size % (mostKept - first.length))] = fuzzCase;
  };
  return {
    get outcomes() {
      return seen.size;
    },
    get size() {
      return kept.length;
    },
    pick: (random) => kept[random.below(kept.length)] ?? null,
    offer(fuzzCase, outcome) {
      if (seen.has(outcome) || seen.size >= mostOutcomes) return;
      seen.add(outcome);
      keep(fuzzCase);
    },
    keep,
  };
}

function sizeOf({ client, tenant }: FuzzCase): number {
  const moves = Object.values(tenant).flatMap((each) => each.flatMap(({ steps }) => steps));
  return [...client, ...moves].reduce(
    (sum, step) => sum + (step.kind === "bytes" ? step.bytes.length : 0),
    0,
  );
}
