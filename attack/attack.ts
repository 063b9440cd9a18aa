import type { Bout } from "./bout.ts";
import type { Claim, Target } from "./target.ts";
import type { Verdict } from "./verdict.ts";

/** One attack: what it tries, on what, and how it knows. */
export interface Attack {
  /** The line of the list of attacks and a short name, `H3-connection-names`. */
  readonly id: string;
  /** What it tries, in one sentence. */
  readonly tries: string;
  /** A published case of its class. */
  readonly advisory?: string;
  /** What a target must claim for the attack to be fair. */
  readonly needs?: readonly Claim[];
  /** Parts of the description without which there is nothing to attack. */
  readonly uses?: readonly (keyof Target)[];
  /** Milliseconds after which it is a fall that nothing has come to an end. */
  readonly deadline?: number;
  /** Waits for the target's patience to be over, and runs beside the others. */
  readonly isSlow?: true;
  run(bout: Bout): Promise<Verdict>;
}

/** The time that an attack has, unless it says otherwise. Milliseconds. */
export const usualDeadline = 15_000;

/** The line of the list that an attack belongs to, `H3`. */
export const lineOf = ({ id }: Pick<Attack, "id">): string => id.slice(0, id.indexOf("-"));

/** Why an attack cannot be tried on a target; null if it can. */
export function obstacleFor(attack: Attack, target: Target): string | null {
  const missing = attack.needs?.filter((claim) => !target.claims.has(claim)) ?? [];
  if (missing.length > 0) return `does not claim ${missing.join(", ")}`;
  const absent = attack.uses?.filter((part) => isEmpty(target[part])) ?? [];
  return absent.length > 0 ? `has no ${absent.join(", ")}` : null;
}

const isEmpty = (part: unknown): boolean =>
  part === undefined || part === "" || (Array.isArray(part) && part.length === 0);
