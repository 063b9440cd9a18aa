import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repository, runScript } from "../architecture/fixture-tree.ts";

test("what docs/how-to/test-your-app.md shows are tests, and they pass", { timeout: 60_000 }, async () => {
  const page = readFileSync(join(repository, "docs/how-to/test-your-app.md"), "utf8");
  const files = new Map<string, string>();
  for (const [, name = "", code = ""] of page.matchAll(/^```js\n\/\/ ([\w.]+)[^\n]*\n(.*?)^```$/gms))
    files.set(name, (files.get(name) ?? "") + code);
  expect([...files.keys()]).toEqual(["app.mjs", "app.test.mjs"]);
  // Inside the package, whose name leads to the last build from here.
  mkdirSync(join(repository, "test-results"), { recursive: true });
  const folder = mkdtempSync(join(repository, "test-results/how-to-"));
  try {
    for (const [name, code] of files) writeFileSync(join(folder, name), code);
    const { status, output } = await runScript(
      join(folder, "app.test.mjs").slice(repository.length),
      [],
      folder,
    );
    expect({ status, output }).toMatchObject({
      status: 0,
      output: expect.stringMatching(/ pass 5$/m) as unknown,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
