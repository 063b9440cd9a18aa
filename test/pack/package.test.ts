import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { send } from "../support/raw-client.ts";
import { type Installed, installPackage } from "./installed.ts";

interface Door {
  readonly specifier: string;
  readonly name: string;
}
interface Manifest {
  readonly version: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}
const { manifest, programDoors, documentDoors } = (await import(
  new URL("../../tools/package-doors.mjs", import.meta.url).href
)) as {
  readonly manifest: Manifest;
  readonly programDoors: readonly Door[];
  readonly documentDoors: readonly Door[];
};

const compiler = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));

let installed: Installed;
beforeAll(async () => {
  installed = await installPackage(["@types/node", ...Object.keys(manifest.peerDependencies ?? {})]);
}, 240_000);
afterAll(() => installed.remove());

/** What npm pack has put in, by the first part of its path. */
test("holds what is shipped and nothing of what made it", () => {
  const roots = new Set(installed.files.map((path) => path.split("/")[0]));
  expect([...roots].toSorted((one = "", other = "") => one.localeCompare(other))).toEqual([
    "CHANGELOG.md",
    "dist",
    "LICENSE",
    "package.json",
    "README.md",
    "SECURITY.md",
  ]);
  expect(installed.files.filter((path) => /\.test\.|\.map$|(?<!\.d)\.ts$|\.pem$/.test(path))).toEqual([]);
});

/** Doors whose code is for browsers only: Node reads it, and has nothing to do with it. */
const browserDoors = new Set(["browser"]);

describe("the installed package", () => {
  const specifiers = programDoors.map(({ specifier }) => specifier);

  test.each([
    ["ES modules", "main.mjs", { status: 200 }],
    ["CommonJS, without a word on standard error", "main.cjs", { status: 200, isSame: true }],
  ])("works in a project of %s", { timeout: 60_000 }, async (_kind, program, expected) => {
    const { stdout, stderr, status } = await installed.run(process.execPath, [program, ...specifiers]);
    expect([status, stderr]).toEqual([0, ""]);
    const { doors, ...rest } = JSON.parse(stdout) as { readonly doors: Record<string, readonly string[]> };
    expect(rest).toEqual(expected);
    expect(Object.keys(doors)).toEqual(specifiers);
    for (const names of Object.values(doors)) expect(names.length).toBeGreaterThan(0);
  });

  test("gives its documents to both", async () => {
    const requires = documentDoors.map(({ specifier }) => `typeof require("${specifier}")`).join();
    const outcome = await installed.run(process.execPath, ["-p", `[${requires}].join()`]);
    expect(outcome.stdout.trim()).toBe(documentDoors.map(() => "object").join());
  });
});

/** A program that names every value and every type of a door. */
const everything = (doors: readonly Door[]): string =>
  `${doors.map(({ specifier }, index) => `import * as door${index} from "${specifier}";\n`).join("")}` +
  `export const doors: readonly object[] = [${doors.map((_, index) => `door${index}`).join(", ")}];\n` +
  `export const proxy: import("qlik-session-proxy").SessionProxy = door0.createSessionProxy({\n` +
  `  tenant: { origin: "https://acme.eu.qlikcloud.com", signingKeys: [] },\n` +
  `  identify: ({ headers }) => (headers.host === undefined ? null : { subject: headers.host }),\n` +
  `});\n` +
  `// @ts-expect-error An identity has a subject: the types are there, none of them is any.\n` +
  `door0.createSessionProxy({ tenant: proxy, identify: () => 1 });\n`;

const asCommonJs = (program: string): string =>
  program.replaceAll(/import \* as (\w+) from ("[^"]+");/g, "import $1 = require($2);");

describe("the declarations, with no library left unchecked", () => {
  const inNode = programDoors.filter(({ name }) => !browserDoors.has(name));
  const strict = { strict: true, skipLibCheck: false, noEmit: true, exactOptionalPropertyTypes: true };
  const node = { ...strict, target: "es2023", lib: ["es2023"], types: ["node"] };
  const esm = { "main.mts": everything(inNode) };
  const both = { ...esm, "main.cts": asCommonJs(everything(inNode)) };
  const dom = { "main.mts": everything(programDoors) };

  test.each([
    ["node16", { ...node, module: "node16" }, esm],
    ["nodenext, required too", { ...node, module: "nodenext" }, both],
    ["bundler", { ...node, lib: ["es2023", "dom"], module: "esnext", moduleResolution: "bundler" }, dom],
  ])("%s", { timeout: 120_000 }, async (name, compilerOptions, files) => {
    const project = `types-${name.replaceAll(/\W+/g, "-")}`;
    installed.write(`${project}/tsconfig.json`, JSON.stringify({ compilerOptions, include: ["*"] }));
    for (const [path, text] of Object.entries(files)) installed.write(`${project}/${path}`, text);
    const outcome = await installed.run(process.execPath, [compiler, "-p", project]);
    expect(outcome).toMatchObject({ stdout: "", status: 0 });
  });
});

describe("the installed command", () => {
  test("is found by npx", { timeout: 60_000 }, async () => {
    const outcome = await installed.run("npx", ["--offline", "qlik-session-proxy", "--version"]);
    expect(outcome).toMatchObject({ status: 0, stdout: `${manifest.version}\n` });
  });

  test(
    "starts the demo: the portal answers, and the tenant's browser code is there",
    { timeout: 60_000 },
    async () => {
      const bin = join(installed.folder, "node_modules/.bin/qlik-session-proxy");
      expect(readFileSync(bin, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
      const child = spawn(process.execPath, [bin, "demo"], {
        cwd: installed.folder,
        stdio: ["ignore", "pipe", "inherit"],
      });
      const closed = once(child, "close");
      try {
        const lines: string[] = [];
        for await (const line of createInterface(child.stdout)) {
          lines.push(line);
          if (line === "ready") break;
        }
        const portal = lines[0] ?? "";
        expect((await send({ origin: portal, path: new URL(portal).pathname })).status).toBeLessThan(400);
        const script = await send({ origin: portal, path: "/qlik/qlik-embed/main.js" });
        expect([script.status, script.text.length > 1000]).toEqual([200, true]);
      } finally {
        child.kill("SIGTERM");
      }
      expect(await closed).toEqual([0, null]);
    },
  );
});
