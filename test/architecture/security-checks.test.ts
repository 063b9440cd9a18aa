import { describe, expect, test } from "vitest";
import { runScript, writeTree, type Files, type Outcome } from "./fixture-tree.ts";

async function check(script: string, files: Files): Promise<Outcome> {
  const folder = await writeTree(files);
  return runScript(`tools/${script}.mjs`, [folder]);
}

describe("the table of attacks", () => {
  const list = "- **W1** Upgrade with a foreign Origin.\n- **W2** Upgrade without one.\n";
  const tests = 'test("refuses a foreign origin", () => {});\n';
  const shown = '`test/a.test.ts` "refuses a foreign origin"';
  const checkTable = (...rows: readonly string[]): Promise<Outcome> =>
    check("check-attacks", {
      "docs/explain/attacks.md": list,
      "docs/reference/security.md": rows.map((row) => `${row}\n`).join(""),
      "test/a.test.ts": tests,
    });
  const first = `| W1 | foreign | ${shown} |`;

  test("passes with a test or a reason for every line", async () => {
    const reason = "Cannot apply: such clients do not exist in this version of the product.";
    expect(await checkTable(first, `| W2 | none | ${reason} |`)).toEqual({ status: 0, output: "" });
  });

  test.each([
    ["a line is missing", [first], "W2: 0 rows"],
    ["a line stands twice", [first, first, `| W2 | none | ${shown} |`], "W1: 2 rows"],
    ["a line is none of the list", [first, `| W3 | other | ${shown} |`], "W3: not a line"],
    ["nothing shows it", [first, "| W2 | none | |"], "W2: neither a test nor a reason"],
    ["the reason is none", [first, "| W2 | none | Cannot apply: no. |"], "W2: the reason is too short"],
    [
      "a file is missing",
      [first, '| W2 | none | `test/b.test.ts` "x" |'],
      "W2: test/b.test.ts does not exist",
    ],
    [
      "a title is wrong",
      [first, '| W2 | none | `test/a.test.ts` "refuses" |'],
      "W2: test/a.test.ts has no test",
    ],
    ["the attack has no name", [first, `| W2 | | ${shown} |`], "W2: the attack has no name"],
  ])("fails where %s", async (_what, rows, said) => {
    const { status, output } = await checkTable(...rows);
    expect(output).toContain(said);
    expect(status).toBe(1);
  });
});

describe("the dependencies", () => {
  const locked = { version: "1.0.0", integrity: "sha512-abc", license: "MIT" };
  const checkTree = (
    manifest: object,
    entry: object = locked,
    row = "| `one` | 1.0.0 | 2026-11-29 | Nothing known. |",
    files: Files = {},
  ): Promise<Outcome> =>
    check("check-dependencies", {
      ...files,
      "package.json": JSON.stringify({ dependencies: { one: "1.0.0" }, devDependencies: {}, ...manifest }),
      "package-lock.json": JSON.stringify({ packages: { "": {}, "node_modules/one": entry } }),
      "docs/reference/dependencies.md": `${row}\n`,
    });

  test("pass where everything is exact, checked and noted", async () => {
    expect(await checkTree({})).toEqual({ status: 0, output: "" });
  });

  test.each([
    ["a range", { devDependencies: { two: "^1.0.0" } }, locked, 'two is "^1.0.0"'],
    ["a range deep in the overrides", { overrides: { a: { b: ">=2" } } }, locked, 'b is ">=2"'],
    ["no checksum", {}, { ...locked, integrity: undefined }, "no SHA-512 checksum"],
    ["an address", {}, { ...locked, resolved: "https://registry.example/one.tgz" }, "names an address"],
    ["a script", {}, { ...locked, hasInstallScript: true }, "runs a script"],
    ["a licence that binds", {}, { ...locked, license: "AGPL-3.0" }, "with the licence AGPL-3.0"],
  ])("fail over %s", async (_what, manifest, entry, said) => {
    const { status, output } = await checkTree(manifest, entry);
    expect(output).toContain(said);
    expect(status).toBe(1);
  });

  test.each([
    ["another version", "| `one` | 0.9.0 | 2026-11-29 | Nothing known. |", "one 0.9.0, but 1.0.0"],
    ["no date", "| `one` | 1.0.0 | today | Nothing known. |", "no row for one"],
    ["a package that is gone", "| `two` | 1.0.0 | 2026-11-29 | Gone. |", "two is not a dependency"],
  ])("fail over a note with %s", async (_what, row, said) => {
    const { status, output } = await checkTree({}, locked, row);
    expect(output).toContain(said);
    expect(status).toBe(1);
  });

  const exampleWith = (dependencies: object, entry: object): Promise<Outcome> =>
    checkTree({}, undefined, undefined, {
      "examples/tree/package.json": JSON.stringify({
        dependencies: { "qlik-session-proxy": "file:../..", ...dependencies },
      }),
      "examples/tree/package-lock.json": JSON.stringify({
        packages: {
          "": {},
          "../..": {},
          "node_modules/one": entry,
          "node_modules/qlik-session-proxy": { resolved: "../..", link: true },
        },
      }),
    });

  test("of an example pass where they are as exact", async () => {
    const entry = { ...locked, engines: { node: "^18.0.0 || >= 20.9" } };
    expect(await exampleWith({ one: "1.0.0" }, entry)).toEqual({ status: 0, output: "" });
  });

  test.each([
    ["a range", { one: "1" }, locked, 'one is "1"'],
    ["a copy of this package", { "qlik-session-proxy": "0.1.0" }, locked, "not this clone"],
    ["no checksum", {}, { ...locked, integrity: undefined }, "no SHA-512 checksum"],
    ["a newer Node", {}, { ...locked, engines: { node: ">=22" } }, "one asks for Node >=22"],
  ])("of an example fail over %s", async (_what, dependencies, entry, said) => {
    const { status, output } = await exampleWith(dependencies, entry);
    expect(output).toContain(said);
    expect(status).toBe(1);
  });
});

test("the bill of materials names the product and every dependency that is shipped", async () => {
  const { status, output } = await runScript("tools/sbom.mjs");
  expect(status).toBe(0);
  const bill = JSON.parse(output) as {
    readonly metadata: { readonly component: { readonly name: string } };
    readonly components: readonly { readonly name: string }[];
  };
  expect(bill.metadata.component.name).toBe("qlik-session-proxy");
  const names = bill.components.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["undici", "ioredis", "pino", "ws", "debug"]));
  for (const tool of ["vitest", "typescript"]) expect(names).not.toContain(tool);
});
