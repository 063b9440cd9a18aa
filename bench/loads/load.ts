import type { Contender, Standing } from "../contenders/contender.ts";

/** What a load got done. */
export interface Worked {
  readonly units: number;
  readonly seconds: number;
  /** Latencies in milliseconds, where the load knows them. */
  readonly p50?: number;
  readonly p99?: number;
  /** KiB in memory while everything was open, for a load that counts memory. */
  readonly memory?: number;
  /** Visits of a page that the units were part of; latencies are theirs then. */
  readonly pages?: number;
}

/** In front of which tenant a load is run. */
export type Stage = "plain" | "tls" | "live";

/** One kind of traffic. */
export interface Load {
  readonly name: string;
  readonly title: string;
  readonly stage: Stage;
  /** What the costs are counted by. */
  readonly unit: "request" | "GB" | "round trip" | "handshake" | "socket";
  /** Whether it says something about this contender. */
  isFor(contender: Contender): boolean;
  /** Where fewer rounds than usual say enough. */
  readonly mostRounds?: number;
  /** The gate: what goes through this contender is exactly what it must be. @throws GateFailed */
  check(standing: Standing): Promise<void>;
  /** What comes before each round and is not counted. */
  prepare?(standing: Standing): Promise<void>;
  /** One round; what is wrong in it is no figure. @throws GateFailed */
  run(standing: Standing): Promise<Worked>;
  /** As little of it as shows whether the contender is warm by now; a whole round where there is nothing smaller. */
  probe?(standing: Standing): Promise<Worked>;
  /** Whether its cost is memory: KiB for each unit. */
  readonly countsMemory?: true;
}

/** For a load that all contenders can be measured at. */
export const forAll = ({ role }: Contender): boolean => role !== "trial";

/** Thrown where a contender does not do what it is measured at. */
export class GateFailed extends Error {
  override readonly name = "GateFailed";
}

/** The value below which that share of the sorted values is. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
