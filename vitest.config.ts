import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    pool: "threads",
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "tests",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ["test/nodes/**", "test/fuzz/**", "test/bench/**"],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Proofs that load several processes up to what two cores give: what runs beside them would be measured too.
        extends: true,
        test: {
          name: "proofs",
          include: ["test/nodes/**/*.test.ts", "test/fuzz/**/*.test.ts", "test/bench/**/*.test.ts"],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
