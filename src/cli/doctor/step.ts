import type { TenantKind } from "../../tenant/backend.ts";
import type { CauseName } from "./causes.ts";
import type { Visit } from "./visit.ts";

/** What a step found. */
export interface Finding {
  /** "passed", "warned" = works but should not stay so, "failed", "skipped" = does not apply here. */
  readonly outcome: "passed" | "warned" | "failed" | "skipped";
  /** What was seen; never a secret, never text of the tenant that could hold one. */
  readonly found: string;
  readonly cause?: CauseName;
  /** Instead of the cause's own remedy, where more is known. */
  readonly remedy?: string;
}

/** One step of the visit. */
export interface Step {
  readonly name: string;
  /** The steps without which this one cannot be tried. */
  readonly needs: readonly string[];
  /** Whether it ends what others began, and is tried also after an interruption. */
  readonly cleansUp?: boolean;
  /** The kinds of tenant that it is about; every one by default. */
  readonly kinds?: readonly TenantKind[];
  run(visit: Visit): Finding | Promise<Finding>;
}

/** Nothing is wrong. */
export const passed = (found: string): Finding => ({ outcome: "passed", found });

/** The step does not apply, or cannot say anything here. */
export const skipped = (found: string): Finding => ({ outcome: "skipped", found });

/** It does not work. */
export const failed = (cause: CauseName, found: string, remedy?: string): Finding => ({
  outcome: "failed",
  cause,
  found,
  ...(remedy === undefined ? {} : { remedy }),
});

/** It works, but should not stay so. */
export const warned = (cause: CauseName, found: string, remedy?: string): Finding => ({
  ...failed(cause, found, remedy),
  outcome: "warned",
});
