import { Crew, type CrewOptions } from "../../src/server/workers/crew.ts";

/** What calls of a test's workers come to: "wait" for ever, "hang" with the whole process. */
export type Ways = Readonly<Record<string, "wait" | "hang">>;

/** A crew of real processes that do nothing but what the test says. */
export function createTestCrew(ways: () => Ways, options: Partial<CrewOptions> = {}): Crew {
  return new Crew({
    count: 2,
    order: (number) => ({ number, parcel: JSON.stringify(ways()), isStoreKept: false, isWatched: false }),
    calls: () => ({}),
    write: () => {},
    program: new URL("crew-worker.mjs", import.meta.url),
    ...options,
  });
}
