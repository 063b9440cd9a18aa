import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { knownSeeds } from "./seeds.ts";
import { simulate } from "./simulate.ts";

/** Seeds in which a planted bug must have shown. */
const plantedWithin = 300;

/** The short form of `npm run simulate -- --seeds 10000`; a machine that is shared takes minutes for it too. Milliseconds. */
const longestRun = 20 * 60_000;

const run = promisify(execFile);
const repository = fileURLToPath(new URL("../..", import.meta.url));

/** The first seed that violates an invariant; null where none does. */
async function firstFound(without: "fencing" | "tombstones"): Promise<number | null> {
  for (let seed = 1; seed <= plantedWithin; seed += 1) {
    const { violations } = await simulate(seed, { without });
    if (violations.length > 0) return seed;
  }
  return null;
}

describe("the simulation of several nodes", () => {
  test(
    "finds nothing in three hundred seeds",
    async () => {
      const { stdout } = await run(process.execPath, ["tools/simulate.mjs", "--seeds", "300"], {
        cwd: repository,
      }).catch((error: unknown) => error as { readonly stdout: string });
      console.info(stdout.trimEnd());
      expect(stdout).toContain("300 seeds, 0 with violations");
    },
    longestRun,
  );

  test.each(knownSeeds)("finds nothing in seed $seed: $story", async ({ seed }) => {
    const { violations } = await simulate(seed);
    expect(violations).toEqual([]);
  });

  test("finds what happens where writes are not compared", async () => {
    expect(await firstFound("fencing")).not.toBeNull();
  });

  test("finds what happens where ends are forgotten", async () => {
    expect(await firstFound("tombstones")).not.toBeNull();
  });

  test("is the same for the same seed, and another one for another", async () => {
    const [one, again, other] = [
      await simulate(7, { isTraced: true }),
      await simulate(7, { isTraced: true }),
      await simulate(8, { isTraced: true }),
    ];
    expect(one.trace.length).toBeGreaterThan(50);
    expect(again).toEqual(one);
    expect(other.trace).not.toEqual(one.trace);
  });
});
