// Runs the tests with several versions of Node, one after the other: `npm run nodes -- 20 22 24 26`; what stands behind
// the versions names test files, as behind `npm test -- --quick`. Against the last build. Prints a table; exit status 1
// where anything failed. Node itself comes from the npm package that `node` brings for this machine, into node_modules/.cache.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, closeSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const cache = join(root, "node_modules/.cache/nodes");
const results = join(root, "test-results/nodes");

/** The package with the program for this machine; `node` would install it by a script, which npm does not run by itself. */
function platformPackage() {
  const platform = process.platform === "win32" ? "win" : process.platform;
  const isAppleSilicon = process.platform === "darwin" && process.arch === "arm64";
  return `${isAppleSilicon ? "node-bin" : "node"}-${platform}-${process.arch}`;
}

/** The newest Node of a line, from the cache where it is there; delete the cache for a newer one. */
function fetchNode(version) {
  const name = platformPackage();
  const folder = join(cache, version);
  const home = join(folder, "node_modules", name);
  if (!existsSync(home)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
    const args = [
      "install",
      "--no-save",
      "--no-audit",
      "--no-fund",
      "--ignore-scripts",
      `${name}@${version}`,
    ];
    const { status, stderr } = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
    if (status !== 0) throw new Error(`Node ${version} cannot be had:\n${stderr}`);
  }
  const { bin } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  return join(home, bin.node);
}

/** How long a test and a run may take: whoever runs several Nodes has other things to do meanwhile. Milliseconds. */
const patience = { TEST_TIMEOUT_MS: "120000", TEST_LONGEST_RUN_MS: `${120 * 60_000}` };

/** Runs the tests with one Node; programs that tests start by the name `node` are the same. */
function runTests(version, filters) {
  const node = fetchNode(version);
  const log = join(results, `${version}.log`);
  const output = openSync(log, "w");
  const start = performance.now();
  try {
    spawnSync(node, ["tools/test.mjs", "--quick", ...filters], {
      cwd: root,
      stdio: ["ignore", output, output],
      env: {
        ...patience,
        ...process.env,
        PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
        NO_COLOR: "1",
      },
    });
  } finally {
    closeSync(output);
  }
  const seconds = Math.round((performance.now() - start) / 1000);
  const text = readFileSync(log, "utf8");
  const [, passed = "0", failed = "all"] = /^(\d+) passed, (\d+) failed\n*$/m.exec(text.slice(-200)) ?? [];
  const which = new Set([...text.matchAll(/^ FAIL +(.+)$/gm)].map(([, name]) => name));
  const exact = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
  return { node: exact, passed: Number(passed), failed, seconds, which: [...which], log };
}

const args = process.argv.slice(2);
const isVersion = (text) => /^\d+(?:\.\d+){0,2}$/.test(text);
const versions = args.filter(isVersion);
if (versions.length === 0) {
  console.error("Usage: npm run nodes -- VERSION… [test file…]");
  process.exit(2);
}
mkdirSync(results, { recursive: true });
const rows = versions.map((version) =>
  runTests(
    version,
    args.filter((each) => !isVersion(each)),
  ),
);
console.log("| Node | Passed | Failed | Seconds |");
console.log("| --- | --- | --- | --- |");
for (const { node, passed, failed, seconds } of rows)
  console.log(`| ${node} | ${passed} | ${failed} | ${seconds} |`);
for (const { node, failed, which, log } of rows.filter((row) => row.failed !== "0")) {
  console.log(`\n${node}: ${failed} failed, see ${log.slice(root.length)}`);
  for (const name of which) console.log(`  ${name}`);
  process.exitCode = 1;
}
