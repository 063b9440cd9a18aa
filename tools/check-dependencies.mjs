// What is taken from others: every version is exact, every package in the lock file has a checksum and names no registry,
// what is shipped runs no install script and has a licence that goes with ours, and every dependency has a row with the
// date of its last look-up in docs/reference/dependencies.md.
// `node tools/check-dependencies.mjs [folder]`: one line for each problem, exit status 1 if there is any.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const table = "docs/reference/dependencies.md";

/** Licences that ask for nothing but their own text. */
const licences = new Set([
  "MIT",
  "ISC",
  "0BSD",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "BlueOak-1.0.0",
]);

/** Also under another name, so that two versions can stand beside each other. */
const exact = /^(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/;

const versionsIn = (overrides) =>
  Object.entries(overrides).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value]] : versionsIn(value),
  );

function checkPins({ dependencies, devDependencies, overrides = {} }) {
  return [...Object.entries(dependencies), ...Object.entries(devDependencies), ...versionsIn(overrides)]
    .filter(([, version]) => !exact.test(version))
    .map(([name, version]) => `package.json: ${name} is "${version}", not one exact version`);
}

function checkLocked(path, entry) {
  const problems = [];
  if (!entry.integrity?.startsWith("sha512-")) problems.push("has no SHA-512 checksum");
  if (entry.resolved !== undefined) problems.push("names an address");
  if (!entry.dev && !entry.devOptional) {
    if (entry.hasInstallScript) problems.push("is shipped, and runs a script when it is installed");
    if (!licences.has(entry.license)) problems.push(`is shipped, with the licence ${entry.license}`);
  }
  return problems.map((problem) => `package-lock.json: ${path} ${problem}`);
}

/** `| undici | 7.30.2 | 2026-11-29 | … |` */
function rowsOf(text) {
  const rows = text.matchAll(
    /^\| `(?<name>[^`]+)` +\| (?<version>\S+) +\| (?<date>\d{4}-\d\d-\d\d) +\| (?<note>.+?) *\|$/gm,
  );
  return new Map([...rows].map(({ groups }) => [groups.name, groups]));
}

function checkNotes(dependencies, text) {
  const rows = rowsOf(text);
  return [
    ...Object.entries(dependencies).flatMap(([name, version]) => {
      const row = rows.get(name);
      if (row === undefined) return [`${table}: no row for ${name}`];
      return row.version === version ? [] : [`${table}: ${name} ${row.version}, but ${version} is installed`];
    }),
    ...[...rows.keys()]
      .filter((name) => dependencies[name] === undefined)
      .map((name) => `${table}: ${name} is not a dependency`),
  ];
}

const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
const read = (path) => readFileSync(join(root, path), "utf8");
const manifest = JSON.parse(read("package.json"));
const problems = [
  ...checkPins(manifest),
  ...Object.entries(JSON.parse(read("package-lock.json")).packages)
    .filter(([path]) => path !== "")
    .flatMap(([path, entry]) => checkLocked(path, entry)),
  ...checkNotes(manifest.dependencies, read(table)),
];
for (const problem of problems) console.log(problem);
if (problems.length > 0) process.exitCode = 1;
