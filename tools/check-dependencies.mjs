// What is taken from others: every version is exact, every package in the lock file has a checksum and names no registry,
// what is shipped runs no install script and has a licence that goes with ours, and every dependency has a row with the
// date of its last look-up in docs/reference/dependencies.md.
// The examples, and what is tested beside us, have packages of their own: exact, with checksums, and of a version that runs on
// the oldest Node.
// `node tools/check-dependencies.mjs [folder]`: one line for each problem, exit status 1 if there is any.
import { existsSync, readFileSync, readdirSync } from "node:fs";
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

/** Whether a range of Node's versions leaves out 20: what such ranges look like, as far as packages write them. */
const leavesOut20 = (range) =>
  range !== undefined &&
  range.split("||").every((part) => Number(/^\D*(\d+)/.exec(part.trim())?.[1] ?? 0) > 20);

/** What is installed in a folder of its own; `ownLink` is how it names this package, undefined where it does not. */
function checkFolder(folder, ownLink) {
  const parse = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
  const { dependencies, devDependencies = {}, overrides } = parse("package.json");
  const { "qlik-session-proxy": own, ...others } = dependencies;
  const packages = Object.entries(parse("package-lock.json").packages);
  return [
    ...(own === ownLink ? [] : [`package.json: qlik-session-proxy is "${own}", not this clone`]),
    ...checkPins({ dependencies: others, devDependencies, overrides }),
    ...packages
      .filter(([path, { link }]) => path.startsWith("node_modules/") && !link)
      .flatMap(([path, entry]) => [
        ...checkLocked(path, { ...entry, dev: true }),
        ...(leavesOut20(entry.engines?.node)
          ? [`package-lock.json: ${path} asks for Node ${entry.engines.node}`]
          : []),
      ]),
  ].map((problem) => `${folder}: ${problem}`);
}

function checkAllExamples(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((example) => existsSync(join(example, "package.json")))
    .flatMap((example) => checkFolder(example, "file:../.."));
}

const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
const neighbours = join(root, "test/neighbours");
const read = (path) => readFileSync(join(root, path), "utf8");
const manifest = JSON.parse(read("package.json"));
const problems = [
  ...checkPins(manifest),
  ...Object.entries(JSON.parse(read("package-lock.json")).packages)
    .filter(([path]) => path !== "")
    .flatMap(([path, entry]) => checkLocked(path, entry)),
  ...checkNotes(manifest.dependencies, read(table)),
  ...checkAllExamples(join(root, "examples")),
  ...(existsSync(neighbours) ? checkFolder(neighbours) : []),
];
for (const problem of problems) console.log(problem);
if (problems.length > 0) process.exitCode = 1;
