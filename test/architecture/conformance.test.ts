import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repository } from "./fixture-tree.ts";
import { filesOfProjects } from "./test-projects.ts";

/* Whether the titles exist is for tools/check-docs.mjs; here it is that every row shows something, for both clients. */

const read = (path: string): Promise<string> => readFile(join(repository, path), "utf8");

/** The rows of the tables of a page that say what shows them, their headings left out, as cells. */
async function rowsOf(path: string): Promise<readonly (readonly string[])[]> {
  const tables = (await read(path)).split("\n\n").filter((part) => part.startsWith("| "));
  return tables
    .map((table) => table.trimEnd().split("\n"))
    .filter(([heading]) => heading?.includes("| Shown by"))
    .flatMap((lines) => lines.slice(2).map((line) => line.slice(2, -2).split(" | ")));
}

const filesIn = (text: string): readonly string[] =>
  [...text.matchAll(/"?(?<file>test\/[\w/-]+\.test\.ts)/g)].map(({ groups }) => groups?.["file"] ?? "");

/** Whether a file says itself that it runs over both clients. */
const namesBoth = (source: string): boolean =>
  /describe\.each\((?:clients|\["undici", "own"\] as const)\)/.test(source);

test("every row of the conformance page names tests, and each of them runs over both clients", async () => {
  const rows = await rowsOf("docs/reference/conformance.md");
  expect(rows.length).toBeGreaterThan(30);
  const twice = (await filesOfProjects()).get("undici") ?? [];
  for (const [item, , shown = ""] of rows) {
    const files = filesIn(shown);
    expect([item, files]).not.toEqual([item, []]);
    for (const file of files)
      expect([file, twice.includes(file) || namesBoth(await read(file))]).toEqual([file, true]);
  }
  const named = new Set(rows.flatMap(([, , shown = ""]) => filesIn(shown)));
  // What runs twice for no row costs time for nothing.
  expect(twice.filter((file) => !named.has(file))).toEqual([]);
});

test("every row of the page of limits names tests", async () => {
  const rows = await rowsOf("docs/reference/limits.md");
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) expect([row[0], filesIn(row.at(-1) ?? "")]).not.toEqual([row[0], []]);
});
