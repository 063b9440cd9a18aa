// Compares docs/reference/security.md with the lines of docs/explain/attacks.md and with the tests: every line has one row,
// every row names a test or says why there is none, every file exists and holds the title.
// `node tools/check-attacks.mjs [folder]`: one line for each problem, exit status 1 if there is any.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { problemsOf, testsOf } from "./shown-tests.mjs";

const table = "docs/reference/security.md";
const list = "docs/explain/attacks.md";

/** A reason shorter than this says nothing. */
const LEAST_REASON = 30;

const read = (root, path) => readFileSync(join(root, path), "utf8");

/** The rows of the table: `| W1 | attack | shown by |`. */
function rowsOf(text) {
  return [...text.matchAll(/^\| (?<line>[A-Z]\d+) +\| (?<attack>[^|]*?) *\| (?<shown>.*?) *\|$/gm)].map(
    ({ groups }) => groups,
  );
}

/** What the cell says beside the tests that it names. */
const reasonOf = (shown) => /Cannot apply(?: yet)?: (?<reason>[^<]*)/.exec(shown)?.groups.reason;

function checkRow(root, { line, attack, shown }) {
  const named = testsOf(shown);
  const reason = reasonOf(shown);
  const problems = named.flatMap((test) => problemsOf(root, test).map((problem) => `${line}: ${problem}`));
  if (attack === "") problems.push(`${line}: the attack has no name`);
  if (named.length === 0 && reason === undefined) problems.push(`${line}: neither a test nor a reason`);
  if (reason !== undefined && reason.length < LEAST_REASON) problems.push(`${line}: the reason is too short`);
  return problems;
}

function checkAttacks(root) {
  const lines = [...read(root, list).matchAll(/^- \*\*([A-Z]\d+)\*\*\s/gm)].map((match) => match[1]);
  const rows = rowsOf(read(root, table));
  const count = (line) => rows.filter((row) => row.line === line).length;
  return [
    ...lines.filter((line) => count(line) !== 1).map((line) => `${line}: ${count(line)} rows in ${table}`),
    ...rows.filter(({ line }) => !lines.includes(line)).map(({ line }) => `${line}: not a line of ${list}`),
    ...rows.flatMap((row) => checkRow(root, row)),
  ];
}

const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
const problems = checkAttacks(root);
for (const problem of problems) console.log(problem);
if (problems.length > 0) process.exitCode = 1;
