// The proofs over real processes, in the size that one has patience for: `node tools/prove.mjs <proof> [--SIZE N …]`.
// Every test run makes them in a small size; see test/nodes/. Uses the last build.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));

const proofs = readdirSync(`${root}test/nodes`).flatMap((name) => /^(.+)\.test\.ts$/.exec(name)?.[1] ?? []);

/** What a proof can be given: its sizes, and what the long form is. */
const sizes = {
  minutes: "soak, memory: how long it lasts",
  users: "soak, mass-expiry: how many there are",
  requests: "mixing: how many there are",
  "logins-per-minute": "mass-expiry: limits.loginsPerMinute of the nodes; 100 is the product's default",
};

const usage = `Usage: node tools/prove.mjs <proof> [--SIZE N ...]

Proofs: ${proofs.join(", ")}
Sizes:
${Object.entries(sizes)
  .map(([name, text]) => `  --${name.padEnd(20)}${text}`)
  .join("\n")}
`;

function readArguments() {
  const options = Object.fromEntries(Object.keys(sizes).map((name) => [name, { type: "string" }]));
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return { error };
  }
}

const { values = {}, positionals = [], error } = readArguments();
const [proof, ...more] = positionals;
if (error !== undefined || more.length > 0 || !proofs.includes(proof)) {
  console.error(error === undefined ? usage : `${error.message}\n\n${usage}`);
  process.exit(2);
}

const environment = Object.entries(values).map(([name, value]) => [
  `PROOF_${name.toUpperCase().replaceAll("-", "_")}`,
  value,
]);
const { status } = spawnSync(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", `test/nodes/${proof}.test.ts`],
  { cwd: root, stdio: "inherit", env: { ...process.env, ...Object.fromEntries(environment) } },
);
process.exitCode = status ?? 1;
