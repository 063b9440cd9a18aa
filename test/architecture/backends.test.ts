import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repository } from "./fixture-tree.ts";
import { filesOfProjects } from "./test-projects.ts";

/* The page of kinds and suites says what runs, and nothing is left out of it. */

interface Row {
  readonly file: string;
  /** Whether it runs, by the name of the project. */
  readonly runs: Readonly<Record<string, boolean>>;
  readonly reason: string;
}

async function rowsOf(page: string): Promise<readonly Row[]> {
  const text = await readFile(join(repository, page), "utf8");
  const rows = [
    ...text.matchAll(
      /^\| `(?<file>[\w/.-]+)` +\| (?<oauth>yes|no) +\| (?<sense>yes|no) +\| (?<reason>.*?) *\|$/gm,
    ),
  ];
  return rows.map(({ groups = {} }) => ({
    file: groups["file"] ?? "",
    runs: { oauth: groups["oauth"] === "yes", sense: groups["sense"] === "yes" },
    reason: groups["reason"] ?? "",
  }));
}

/** Suites whose files are asked of every kind, or say why they are not. */
const suites = ["test/host", "test/proxy", "test/security", "test/witness"];

test("the page of kinds has a row for every file of the suites, and says what vitest.config.ts runs", async () => {
  const rows = await rowsOf("docs/reference/backends.md");
  const projects = await filesOfProjects();
  for (const kind of ["oauth", "sense"]) {
    const told = rows.filter(({ runs }) => runs[kind]).map(({ file }) => file);
    expect([kind, told.toSorted()]).toEqual([kind, [...(projects.get(kind) ?? [])].toSorted()]);
    expect(told.length).toBeGreaterThan(20);
  }
  const folders = await Promise.all(
    suites.map(async (folder) =>
      (await readdir(join(repository, folder))).map((name) => `${folder}/${name}`),
    ),
  );
  const files = folders.flat().filter((name) => name.endsWith(".test.ts"));
  expect(files.filter((name) => rows.filter(({ file }) => file === name).length !== 1)).toEqual([]);
  // A file that runs needs no reason, one that does not needs a sentence.
  const reasonless = rows.filter(
    ({ runs, reason }) => (runs["oauth"] && runs["sense"]) !== reason.length < 30,
  );
  expect(reasonless.map(({ file }) => file)).toEqual([]);
});
