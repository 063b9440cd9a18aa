import type { PlantedBug } from "./simulated-store.ts";
import type { Violation } from "./verdicts.ts";
import { World } from "./world.ts";

/** How a seed went. */
export interface SimulationReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Empty unless it was asked for. */
  readonly trace: readonly string[];
  readonly events: number;
  readonly logins: number;
  /** Virtual milliseconds. */
  readonly lasted: number;
}

/** Lives through the world of a seed; the same seed gives the same report, on the same sources. */
export async function simulate(
  seed: number,
  options: { readonly isTraced?: boolean; readonly without?: PlantedBug | null } = {},
): Promise<SimulationReport> {
  const world = new World({ seed, isTraced: options.isTraced ?? false, without: options.without ?? null });
  const unhandled = (reason: unknown): void => {
    world.surroundings.verdicts.violated(
      "no-crash",
      `unhandled rejection: ${String((reason as Error)?.stack ?? reason)}`,
    );
  };
  process.on("unhandledRejection", unhandled);
  try {
    await world.run();
  } finally {
    process.off("unhandledRejection", unhandled);
  }
  return {
    seed,
    violations: world.surroundings.verdicts.violations,
    trace: world.surroundings.trace.lines,
    events: world.surroundings.scheduler.happened,
    logins: world.surroundings.tenant.flights.length,
    lasted: world.surroundings.scheduler.now,
  };
}
