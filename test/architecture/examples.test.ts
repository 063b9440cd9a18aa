import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { repository } from "./fixture-tree.ts";

const folder = join(repository, "examples");
const examples = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !["sample", "keys"].includes(entry.name))
  .map(({ name }) => name);

/** Files of code below a folder, without what was installed or built there. */
function codeBelow(path: string): readonly string[] {
  return readdirSync(path, { withFileTypes: true }).flatMap(({ name }) => {
    if (["node_modules", ".next"].includes(name)) return [];
    return /\.\w+$/.test(name)
      ? [join(path, name)].filter((file) => /\.(?:jsx?|ts)$/.test(file) && !file.endsWith("nestjs/main.js"))
      : codeBelow(join(path, name));
  });
}

const linesOf = (file: string): number => readFileSync(file, "utf8").trimEnd().split("\n").length;

test("there are examples", () => {
  expect(examples.length).toBeGreaterThan(7);
});

describe.each(examples)("the example %s", (name) => {
  test("is short enough to be read", () => {
    const lines = codeBelow(join(folder, name)).reduce((sum, file) => sum + linesOf(file), 0);
    expect(lines).toBeLessThanOrEqual(120);
  });

  test("is in the list of examples", () => {
    expect(readFileSync(join(folder, "README.md"), "utf8")).toContain(`| [${name}](`);
  });
});
