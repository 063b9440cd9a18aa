import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { repository, runScript, writeTree, type Files, type Outcome } from "./fixture-tree.ts";

const picture = `# A house

\`\`\`floors
F3  cli/ testing/          the top
F2  proxy/                 the middle
F1  http/ ws/              two rooms of one floor
F0  kernel/ errors.ts      the ground
side emulator/             a house of its own
side web/                  browser code
door index.ts → proxy/     for users
\`\`\`

\`\`\`packages
undici: proxy/
ws: emulator/
\`\`\`

The way in is \`proxy/door.ts\`.
`;

/** A house in which everything is as drawn. */
const sound: Files = {
  "docs/explain/architecture.md": picture,
  "src/index.ts": 'export { door } from "./proxy/door.ts";\n',
  "src/errors.ts": "export class Broken extends Error {}\n",
  "src/kernel/clock.ts": "export const now = (): number => Date.now();\n",
  "src/http/header.ts": 'import { now } from "../kernel/clock.ts";\nexport const header = now;\n',
  "src/http/header.test.ts": 'import { door } from "../proxy/door.ts";\nvoid door;\n',
  "src/ws/frame.ts": 'export { Broken } from "../errors.ts";\n',
  "src/proxy/door.ts":
    'import type { Pool } from "undici";\nimport { header } from "../http/header.ts";\nexport const door = (_: Pool): unknown => header;\n',
  "src/emulator/tenant.ts": 'import { WebSocketServer } from "ws";\nexport const tenant = WebSocketServer;\n',
  "src/http/a.ts": 'import type { B } from "./b.ts";\nexport interface A {\n  readonly b: B;\n}\n',
  "src/http/b.ts": 'import type { A } from "./a.ts";\nexport interface B {\n  readonly a: A;\n}\n',
  "src/cli/main.ts":
    'import { tenant } from "../emulator/tenant.ts";\nimport { door } from "../index.ts";\nexport const page = `${String(door)}${String(tenant)} window.runtime.import("chart@v1")`;\n',
  "attack/main.ts": 'import { createServer } from "node:net";\nimport "./groups/a.ts";\nvoid createServer;\n',
  "attack/groups/a.ts": 'export type { Main } from "../main.ts";\n',
  "attack/peers/node_modules/other/index.ts": 'import "../../../../src/index.ts";\n',
  "src/testing/people.ts": 'export { tenant } from "../emulator/tenant.ts";\n',
  "src/web/page.ts": 'import "some-renderer/style.css";\ndocument.title = "page";\n',
};

async function checkHouse(changes: Files): Promise<Outcome> {
  return runScript("tools/check-floors.mjs", [await writeTree({ ...sound, ...changes })]);
}

describe("tools/check-floors.mjs", () => {
  test("finds the house of this repository as it is drawn", async () => {
    expect(await runScript("tools/check-floors.mjs")).toEqual({ status: 0, output: "" });
  });

  test("finds nothing in a sound house", async () => {
    expect(await checkHouse({})).toEqual({ status: 0, output: "" });
  });

  const breaches: readonly (readonly [what: string, changes: Files, problem: string])[] = [
    [
      "an upward import",
      { "src/kernel/clock.ts": 'import { header } from "../http/header.ts";\nexport const now = header;\n' },
      "src/kernel/clock.ts imports src/http/header.ts: http/ is above kernel/",
    ],
    [
      "an upward import of a type",
      { "src/kernel/clock.ts": 'import type { x } from "../proxy/door.ts";\nexport type X = x;\n' },
      "proxy/ is above kernel/",
    ],
    [
      "an upward import over several lines",
      {
        "src/kernel/clock.ts": 'export {\n  header,\n  type Header,\n} from "../http/header.ts";\n',
      },
      "http/ is above kernel/",
    ],
    [
      "an upward import by a call",
      { "src/kernel/clock.ts": 'export const late = () => import("../proxy/door.ts");\n' },
      "proxy/ is above kernel/",
    ],
    [
      "an import from a room of the same floor",
      { "src/ws/frame.ts": 'export { header } from "../http/header.ts";\n' },
      "ws/ and http/ are on the same floor",
    ],
    [
      "an import from a room of the top floor, which may import everything else",
      { "src/testing/people.ts": 'export { page } from "../cli/main.ts";\n' },
      "testing/ and cli/ are on the same floor",
    ],
    [
      "an import of the proxy in the local tenant",
      { "src/emulator/tenant.ts": 'export { now } from "../kernel/clock.ts";\n' },
      "emulator/ is a house of its own and imports nothing of the rest",
    ],
    [
      "an import of the proxy in a test of the local tenant",
      { "src/emulator/tenant.test.ts": 'import "../kernel/clock.ts";\n' },
      "emulator/ is a house of its own and imports nothing of the rest",
    ],
    [
      "an import of the local tenant in the proxy",
      { "src/proxy/door.ts": 'export { tenant as door } from "../emulator/tenant.ts";\n' },
      "emulator/ is a house of its own: only its door and the top floor import it",
    ],
    [
      "an import through a door from inside",
      { "src/http/header.ts": 'export { door as header } from "../index.ts";\n' },
      "index.ts is for users of the package",
    ],
    [
      "a door that opens more than its room",
      { "src/index.ts": 'export { tenant } from "./emulator/tenant.ts";\n' },
      "index.ts opens proxy/ and what is below it",
    ],
    [
      "a cycle of imports inside a room",
      {
        "src/http/a.ts": 'export { b as a } from "./b.ts";\n',
        "src/http/b.ts": 'import { type A, a } from "./a.ts";\nexport const b = (): A => a();\n',
      },
      "import cycle: src/http/a.ts → src/http/b.ts → src/http/a.ts",
    ],
    [
      "a package in another room than its own",
      { "src/http/header.ts": 'import { Pool } from "undici";\nexport const header = Pool;\n' },
      "src/http/header.ts imports undici: the package is in proxy/ only",
    ],
    [
      "a package that no room has",
      { "src/http/header.ts": 'export { debounce as header } from "lodash/debounce";\n' },
      "src/http/header.ts imports lodash/debounce: the package is not listed among the packages",
    ],
    [
      "a package that is drawn and not used",
      { "docs/explain/architecture.md": picture.replace("ws: emulator/", "ws: emulator/\nlodash: http/") },
      "the package lodash is drawn, but nothing in src/ imports it",
    ],
    ["a room that is not drawn", { "src/attic/box.ts": "export {};\n" }, "src/attic/ is not in the picture"],
    [
      "a room that is drawn and does not stand",
      { "docs/explain/architecture.md": picture.replace("http/ ws/", "http/ ws/ cellar/") },
      "cellar/ is drawn, but not in src/",
    ],
    [
      "a line of the picture that cannot be read",
      { "docs/explain/architecture.md": picture.replace("F0  kernel/", "ground kernel/") },
      'cannot read the line "ground kernel/ errors.ts',
    ],
    [
      "a document without a picture",
      { "docs/explain/architecture.md": "# A house\n" },
      "has no block of floors",
    ],
    [
      "a file name in the document that does not exist",
      { "docs/explain/architecture.md": picture.replace("proxy/door.ts", "proxy/gate.ts") },
      "names proxy/gate.ts, which does not exist",
    ],
    [
      "an import of the proxy in the attack suite",
      { "attack/groups/a.ts": 'import type { now } from "../../src/kernel/clock.ts";\n' },
      "attack/groups/a.ts imports ../../src/kernel/clock.ts: the attack suite imports node and itself",
    ],
    [
      "an import of the tests in the attack suite",
      { "attack/main.ts": 'import "../test/support/stack.ts";\n' },
      "attack/main.ts imports ../test/support/stack.ts",
    ],
    [
      "a package in the attack suite",
      { "attack/main.ts": 'import { Client } from "undici";\nvoid Client;\n' },
      "attack/main.ts imports undici: the attack suite imports node and itself",
    ],
    [
      "a file of more than 400 lines",
      { "src/kernel/clock.ts": "export {};\n".repeat(401) },
      "src/kernel/clock.ts has 401 lines, more than 400",
    ],
  ];

  test.each(breaches)("reports %s", async (_what, changes, problem) => {
    const { status, output } = await checkHouse(changes);
    expect(output).toContain(problem);
    expect(status).toBe(1);
  });

  test("reads every import that a bundler sees", async () => {
    const { readSources } = (await import(
      new URL("../../tools/source-imports.mjs", import.meta.url).href
    )) as {
      readonly readSources: (folder: string) => readonly {
        readonly path: string;
        readonly imports: readonly { readonly specifier: string }[];
      }[];
    };
    const sources = readSources(join(repository, "src"));
    const { metafile } = await build({
      absWorkingDir: repository,
      entryPoints: sources.map(({ path }) => `src/${path}`),
      outdir: "nowhere",
      bundle: true,
      write: false,
      metafile: true,
      platform: "node",
      format: "esm",
      packages: "external",
      loader: { ".html": "text", ".css": "text", ".svg": "text" },
      logLevel: "silent",
    });
    const read = new Map(
      sources.map(({ path, imports }) => [`src/${path}`, imports.map((i) => i.specifier)]),
    );
    // Unit tests beside the source may use what stands in test/; the floors are those of src/.
    const inputs = Object.entries(metafile.inputs).filter(([path]) => path.startsWith("src/"));
    const missed = inputs.flatMap(([path, { imports }]) =>
      imports
        .map(({ original, path: external }) => original ?? external)
        .filter((specifier) => !read.get(path)?.includes(specifier))
        .map((specifier) => `${path}: ${specifier}`),
    );
    expect(missed).toEqual([]);
    expect(read.size).toBeGreaterThan(0);
  });
});
