import { type Attack, lineOf } from "./attack.ts";
import type { Result } from "./suite.ts";
import type { Verdict } from "./verdict.ts";

/** How many attacks came to what. */
export interface Counts {
  readonly held: number;
  readonly fell: number;
  readonly notApplicable: number;
}

/** Counts the verdicts. */
export function countsOf(results: readonly Result[]): Counts {
  const count = (outcome: Verdict["outcome"]): number =>
    results.filter(({ verdict }) => verdict.outcome === outcome).length;
  return { held: count("held"), fell: count("fell"), notApplicable: count("not applicable") };
}

/** The last line of a run. */
export const countsLine = ({ held, fell, notApplicable }: Counts): string =>
  `${held} held, ${fell} fell, ${notApplicable} not applicable`;

/** The lines about one attack: what it came to, and for a fall what was tried and what was seen. */
export function resultLines({ attack, verdict, took }: Result): string {
  const head = `${verdict.outcome.padEnd(15)} ${attack.id.padEnd(28)} ${took.toFixed(0).padStart(6)} ms`;
  if (verdict.outcome === "held") return head;
  if (verdict.outcome === "not applicable") return `${head}  ${verdict.reason}`;
  const known = attack.advisory === undefined ? "" : ` (${attack.advisory})`;
  return `${head}\n  tried: ${attack.tries}${known}\n  seen:  ${verdict.seen}`;
}

/** One attack for `--list`. */
export function attackLines({ id, tries, advisory, needs = [] }: Attack): string {
  const notes = [...(advisory === undefined ? [] : [advisory]), ...needs.map((claim) => `needs ${claim}`)];
  return `${id.padEnd(28)} ${tries}${notes.length === 0 ? "" : ` (${notes.join("; ")})`}`;
}

/** A run as data. */
export const resultsAsJson = (target: string, results: readonly Result[]): string =>
  JSON.stringify(
    {
      target,
      counts: countsOf(results),
      results: results.map(({ attack, verdict, took }) => ({
        id: attack.id,
        line: lineOf(attack),
        tries: attack.tries,
        ...(attack.advisory === undefined ? {} : { advisory: attack.advisory }),
        ...verdict,
        ms: Math.round(took),
      })),
    },
    null,
    2,
  );
