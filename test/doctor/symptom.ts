import type { CauseName } from "../../src/cli/doctor/causes.ts";
import type { Questions } from "../../src/cli/doctor/visit.ts";
import type { World, WorldOptions } from "./tenant-world.ts";

/** A symptom that is reproduced, and what the doctor must say of it. */
export interface Symptom {
  /** Row of facts §11, or the section that has it. */
  readonly row: string;
  readonly what: string;
  /** How the chain is broken. */
  readonly broken: string;
  readonly step: string;
  readonly cause: CauseName;
  readonly outcome?: "warned";
  readonly world?: WorldOptions;
  readonly questions?: Partial<Questions>;
  /** Breaks it, before the doctor comes. */
  readonly arrange?: (world: World) => void;
  /** What the finding or the remedy must name as well. */
  readonly names?: RegExp;
}

/** Changes the configuration. */
export const changed =
  (from: string | RegExp, to: string): ((world: World) => void) =>
  (world) => {
    world.config = world.config.replace(from, to);
  };
