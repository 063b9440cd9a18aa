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
 * Files of the data path and of what is tried against it that run once more with each of the other kinds of tenant. Those about
 * connections and memory name no kind either, and can be run with each (docs/reference/backends.md); in every run that would be
 * to ask the same thing three times.
 */
const dataPathOfEveryKind = [
  "test/proxy/bodies.test.ts",
  "test/proxy/faults.test.ts",
  "test/proxy/forwarding.test.ts",
  "test/proxy/framing.test.ts",
  "test/proxy/headers.test.ts",
  "test/proxy/links.test.ts",
  "test/proxy/socket.test.ts",
  "test/security/headers-request.test.ts",
  "test/security/headers-response.test.ts",
  "test/security/upstream.test.ts",
];

/** Links of a tenant that is below a path are looked for in another way. */
const dataPathBelowAPath = ["test/conformance/links.test.ts"];

/**
 * What is promised of sessions, and at the door, is promised for every kind of tenant: these run once more with each of the
 * others. docs/reference/backends.md says of each file why it is here, or is not.
 */
const sessions = [
  "test/proxy/lifetimes.test.ts",
  "test/proxy/login-retries.test.ts",
  "test/proxy/reference-example-secrets.test.ts",
  "test/proxy/session.test.ts",
  "test/security/isolation.test.ts",
  "test/security/logins.test.ts",
  "test/security/outages.test.ts",
  "test/security/session-clocks.test.ts",
  "test/security/session-store.test.ts",
  "test/security/session.test.ts",
];

const doors = [
  "test/host/identity.test.ts",
  "test/host/plain-http.test.ts",
  "test/host/upgrades.test.ts",
  "test/proxy/explain-answers.test.ts",
  "test/proxy/explain-senders.test.ts",
  "test/proxy/explain.test.ts",
  "test/proxy/presets.test.ts",
  "test/proxy/site.test.ts",
  "test/security/cross-site-answers.test.ts",
  "test/security/cross-site-login.test.ts",
  "test/security/mounts.test.ts",
  "test/security/pages.test.ts",
  "test/security/paths.test.ts",
  "test/security/policy.test.ts",
  "test/security/websocket-door.test.ts",
];

/** The vendor's own clients see the same of every kind; in every run they are asked where most is different. */
const vendorClients = [
  "test/witness/enigma-connection.test.ts",
  "test/witness/qlik-api-platform.test.ts",
  "test/witness/qlik-api-qix.test.ts",
  "test/witness/qlik-api-rest.test.ts",
  "test/witness/two-users.test.ts",
];

/** What a tenant of a kind has beside that. */
const ofOauth = [
  "test/proxy/login-faults.test.ts",
  "test/proxy/product-info.test.ts",
  "test/security/host-sessions.test.ts",
];
const ofSense = ["test/proxy/claims.test.ts", "test/proxy/keep-alive.test.ts"];

/** Proofs that wait more than they work: for clocks of seconds, and for processes that start. */
const proofs = [
  "test/nodes/bus-cut.test.ts",
  "test/nodes/failover.test.ts",
  "test/nodes/mass-expiry.test.ts",
  "test/nodes/one-login.test.ts",
  "test/nodes/redis-outage.test.ts",
  "test/nodes/renewal.test.ts",
  "test/nodes/restart.test.ts",
  "test/nodes/rolling-restart.test.ts",
];

/** What loads several processes up to what two cores give; what runs beside these would be measured too. */
const ownMachine = ["test/nodes/**/*.test.ts", "test/fuzz/**/*.test.ts", "test/bench/connections.test.ts"];

export default defineConfig({
  test: {
    pool: "threads",
    isolate: false,
    // Nothing is slow that has to be fast: a busy machine may give its tests more time.
    testTimeout: Number(process.env["TEST_TIMEOUT_MS"] ?? 40_000),
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "tests",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...ownMachine, "**/node_modules/**"],
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
          name: "oauth",
          include: [...dataPathOfEveryKind, ...sessions, ...doors, ...ofOauth],
          env: { QSP_TEST_TENANT_KIND: "qlik-cloud-oauth" },
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "sense",
          include: [
            ...dataPathOfEveryKind,
            ...dataPathBelowAPath,
            ...sessions,
            ...doors,
            ...vendorClients,
            ...ofSense,
          ],
          env: { QSP_TEST_TENANT_KIND: "qlik-sense-jwt" },
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "proofs",
          include: proofs,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: ownMachine,
          exclude: proofs,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
