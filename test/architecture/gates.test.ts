import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { repository, runScript, writeTree, type Files, type Outcome } from "./fixture-tree.ts";

const fromRepository = (path: string): Promise<string> => readFile(join(repository, path), "utf8");

/** A tree with this repository's own settings of the tools, and the given sources. */
async function writeSources(sources: Files): Promise<string> {
  return writeTree({
    ".oxlintrc.json": await fromRepository(".oxlintrc.json"),
    "tsconfig.json": await fromRepository("tsconfig.json"),
    ...sources,
  });
}

describe("the linter, with this repository's rules", () => {
  async function lint(sources: Files): Promise<Outcome> {
    const folder = await writeSources(sources);
    return runScript("node_modules/oxlint/bin/oxlint", ["--type-aware", "--deny-warnings"], folder);
  }

  const clock = "export const now = (): number => Date.now();\n";

  test("passes a sound file", async () => {
    const { status, output } = await lint({ "src/kernel/clock.ts": clock });
    expect(output).toContain("0 errors");
    expect(status).toBe(0);
  });

  const faults: readonly (readonly [what: string, rule: string, sources: Files])[] = [
    [
      "an upward import",
      "no-restricted-imports",
      {
        "src/session/age.ts": clock,
        "src/kernel/clock.ts": 'export { now } from "../session/age.ts";\n',
      },
    ],
    [
      "an import of the proxy in the local tenant",
      "no-restricted-imports",
      {
        "src/kernel/clock.ts": clock,
        "src/emulator/clock.ts": 'export { now } from "../kernel/clock.ts";\n',
      },
    ],
    [
      "an import of the proxy in the attack suite",
      "no-restricted-imports",
      {
        "src/kernel/clock.ts": clock,
        "attack/wire/clock.ts": 'export { now } from "../../src/kernel/clock.ts";\n',
      },
    ],
    [
      "an import cycle",
      "import(no-cycle)",
      {
        "src/http/a.ts": 'import { b } from "./b.ts";\nexport const a = (): unknown => b;\n',
        "src/http/b.ts": 'import { a } from "./a.ts";\nexport const b = (): unknown => a;\n',
      },
    ],
    [
      "a floating promise",
      "no-floating-promises",
      {
        "src/http/late.ts":
          "const late = async (): Promise<void> => {};\nexport const call = (): void => {\n  late();\n};\n",
      },
    ],
    [
      "a test that is switched off",
      "no-disabled-tests",
      {
        "src/http/late.test.ts": 'import { test } from "vitest";\ntest.skip("later", () => {});\n',
      },
    ],
  ];

  test.each(faults)("refuses %s", async (_what, rule, sources) => {
    const { status, output } = await lint(sources);
    expect(output).toContain(rule);
    expect(status).toBe(1);
  });
});

describe("the search for unused code, with this repository's settings", () => {
  async function findUnused(sources: Files): Promise<Outcome> {
    const folder = await writeSources({
      "knip.json": await fromRepository("knip.json"),
      "package.json": JSON.stringify({ name: "a-package", type: "module" }),
      "src/errors.ts": "export class Broken extends Error {}\n",
      "src/index.ts": 'export { now } from "./kernel/clock.ts";\n',
      ...sources,
    });
    return runScript(
      "node_modules/knip/bin/knip.js",
      ["--include", "exports,files", "--no-config-hints"],
      folder,
    );
  }

  test("passes a tree in which everything is used", async () => {
    expect(await findUnused({ "src/kernel/clock.ts": "export const now = 1;\n" })).toEqual({
      status: 0,
      output: "",
    });
  });

  test("refuses an export that nothing imports", async () => {
    const { status, output } = await findUnused({
      "src/kernel/clock.ts": "export const now = 1;\nexport const later = 2;\n",
    });
    expect(output).toContain("later");
    expect(status).toBe(1);
  });

  test("refuses a file that nothing imports", async () => {
    const { status, output } = await findUnused({
      "src/kernel/clock.ts": "export const now = 1;\n",
      "src/kernel/attic.ts": "export const old = 1;\n",
    });
    expect(output).toContain("src/kernel/attic.ts");
    expect(status).toBe(1);
  });
});
