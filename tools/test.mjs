// What `npm test` runs: system packages, build, checks, tests. The last line on stdout is `N passed, N failed`.
// `npm test -- --quick [vitest filter…]` runs the tests alone, against the last build.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ensureDebianPackages } from "./debian-packages.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Checks read what it makes, so it comes first. */
const build = ["build", "tools/build.mjs"];

/** The name of each check and the command that makes it; the long ones first, because they run two at a time. */
const checks = [
  ["documents", "tools/check-docs.mjs"],
  ["format", "node_modules/oxfmt/bin/oxfmt", "--check", "."],
  ["lint", "node_modules/oxlint/bin/oxlint", "--type-aware", "--deny-warnings"],
  ["types", "node_modules/typescript/bin/tsc", "-p", "tsconfig.json"],
  ["types of the browser code", "node_modules/typescript/bin/tsc", "-p", "src/web/tsconfig.json"],
  ["unused code", "node_modules/knip/bin/knip.js"],
  ["package contents", "node_modules/publint/src/cli.js", "--strict"],
  [
    "declarations",
    "node_modules/@arethetypeswrong/cli/dist/index.js",
    "--pack",
    ".",
    "--profile",
    "esm-only",
  ],
  ["public interface", "tools/api.mjs", "--check"],
  ["floors", "tools/check-floors.mjs"],
  ["bleed", "tools/check-bleed.mjs"],
  ["facts", "tools/check-facts.mjs"],
  ["attacks", "tools/check-attacks.mjs"],
  ["dependencies", "tools/check-dependencies.mjs"],
];

/** A run that takes this long hangs, and is ended; a busy machine may give it more time. Milliseconds. */
const LONGEST_TEST_RUN = Number(process.env["TEST_LONGEST_RUN_MS"] ?? 28 * 60_000);

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Runs one check, quietly when it passes; resolves to whether it did. */
async function runCheck([name, ...args]) {
  const start = performance.now();
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => said.push(chunk));
  const [status] = await once(child, "close");
  const passed = status === 0;
  if (!passed) process.stdout.write(Buffer.concat(said));
  console.log(`${passed ? "✓" : "✗"} ${name} (${seconds(start)})`);
  return passed;
}

/** Runs the build and then the checks, two at a time; resolves to the names of those that failed. */
async function runChecks() {
  const failed = [];
  const run = async (check) => {
    if (!(await runCheck(check))) failed.push(check[0]);
  };
  await run(build);
  const waiting = [...checks];
  const lane = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) await run(check);
  };
  await Promise.all([lane(), lane()]);
  return failed;
}

/** Reads the report of vitest; undefined when vitest ended before it could write one. */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * Counts what a report holds. A test that did not run is a failure, and so is a file without a failing test
 * that failed as a whole: it did not load, or a hook of it threw.
 */
function countReport(report) {
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const passed = tests.filter(({ status }) => status === "passed").length;
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  for (const { name } of brokenFiles) console.log(`✗ ${name} failed outside its tests`);
  for (const { status, fullName } of tests) {
    if (status !== "passed" && status !== "failed") console.log(`✗ did not run (${status}): ${fullName}`);
  }
  return { passed, failed: tests.length - passed + brokenFiles.length };
}

/** Runs the tests and counts them. */
function runTests(filters) {
  const folder = mkdtempSync(join(tmpdir(), "qlik-session-proxy-test-"));
  const file = join(folder, "report.json");
  try {
    const { status, signal } = spawnSync(
      process.execPath,
      [
        "node_modules/vitest/vitest.mjs",
        "run",
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${file}`,
        ...filters,
      ],
      { cwd: root, stdio: ["ignore", "inherit", "inherit"], timeout: LONGEST_TEST_RUN },
    );
    const report = readReport(file);
    const { passed, failed } = report ? countReport(report) : { passed: 0, failed: 0 };
    // Unhandled errors and crashes show in the exit status only.
    if (failed > 0 || (report && status === 0 && passed > 0)) return { passed, failed };
    console.log(`✗ the test run itself failed (${signal ?? `exit status ${status}`})`);
    return { passed, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run({ quick, filters }) {
  const missing = ensureDebianPackages();
  if (missing.length > 0) {
    console.error(missing.join("\n"));
    return { passed: 0, failed: 1 };
  }
  const asked = quick ? 0 : checks.length + 1;
  const failedChecks = quick ? [] : await runChecks();
  const tests = runTests(filters);
  // Said again, because the tests have scrolled it away.
  if (failedChecks.length > 0) console.log(`Checks that failed: ${failedChecks.join(", ")}`);
  return {
    passed: tests.passed + asked - failedChecks.length,
    failed: tests.failed + failedChecks.length,
  };
}

const { values, positionals } = parseArgs({
  options: { quick: { type: "boolean", default: false } },
  allowPositionals: true,
});
const { passed, failed } = await run({ quick: values.quick, filters: positionals });
if (failed > 0) process.exitCode = 1;
console.log(`${passed} passed, ${failed} failed`);
