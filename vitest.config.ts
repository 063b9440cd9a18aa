import { defineConfig } from "vitest/config";

/**
 * Files that show what is promised of the data path (docs/reference/conformance.md) without naming a client: they run
 * once more, with the one that is not the default.
 */
const dataPath = [
  "test/host/express.test.ts",
  "test/proxy/bodies.test.ts",
  "test/proxy/departures.test.ts",
  "test/proxy/faults.test.ts",
  "test/proxy/forwarding.test.ts",
  "test/proxy/framing.test.ts",
  "test/proxy/headers.test.ts",
  "test/proxy/impostors.test.ts",
  "test/proxy/links.test.ts",
  "test/proxy/login-faults.test.ts",
  "test/proxy/reference-example-socket.test.ts",
  "test/proxy/socket.test.ts",
  "test/regressions/0009-half-read-upload-keeps-its-connection.test.ts",
  "test/regressions/0013-limit-on-connections.test.ts",
  "test/regressions/0020-our-close-after-the-browsers.test.ts",
  "test/regressions/0045-continue-inside-an-answer.test.ts",
  "test/security/framing.test.ts",
  "test/security/upstream.test.ts",
  "test/security/websocket-ends.test.ts",
  "test/security/websocket-limits.test.ts",
  "test/security/websocket-resets.test.ts",
  "test/security/websocket-tenant.test.ts",
];

/**
 * Files of the data path that name neither a kind of tenant nor its cookies: they run once more with a tenant whose requests
 * show a token. What is promised of sessions is asked of every kind in test/backends/.
 */
const tokenPath = ["test/proxy/bodies.test.ts", "test/proxy/faults.test.ts", "test/proxy/framing.test.ts"];

export default defineConfig({
  test: {
    pool: "threads",
    isolate: false,
    // Nothing is slow that has to be fast: a busy machine may give its tests more time.
    testTimeout: Number(process.env["TEST_TIMEOUT_MS"] ?? 20_000),
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "tests",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: ["test/nodes/**", "test/fuzz/**", "**/node_modules/**"],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "undici",
          include: dataPath,
          env: { QSP_TEST_UPSTREAM_CLIENT: "undici" },
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "tokens",
          include: tokenPath,
          env: { QSP_TEST_TENANT_KIND: "qlik-cloud-oauth" },
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Proofs that load several processes up to what two cores give: what runs beside them would be measured too.
        extends: true,
        test: {
          name: "proofs",
          include: ["test/nodes/**/*.test.ts", "test/fuzz/**/*.test.ts"],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
