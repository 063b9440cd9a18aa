// Measures the built proxy beside public ones: `npm run bench -- --help` says how; see bench/.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ensureCurrentBuild } from "./current-build.mjs";
import { ensureBenchPackages } from "./debian-packages.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const document = join(root, "docs/reference/performance.md");

/** Makes one file of the bench, and one of each program of it; their packages are found from where they lie. */
async function bundle(folder) {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: root,
    entryPoints: ["bench/main.ts", "bench/trials/http2-client.ts"],
    outbase: "bench",
    bundle: true,
    packages: "external",
    platform: "node",
    target: "node20",
    format: "esm",
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    logLevel: "warning",
  });
  return pathToFileURL(join(folder, "main.mjs")).href;
}

/** The page is linked from where people look, once it is there: a link to nothing is an error. */
function link() {
  const file = join(root, "README.md");
  const text = readFileSync(file, "utf8");
  const line =
    "- [Performance](docs/reference/performance.md): what a request costs here, and through other proxies; `npm run bench`\n";
  if (text.includes("(docs/reference/performance.md)")) return;
  const neighbour = /^- \[Connections to the tenant\].*\n/m.exec(text)?.[0];
  if (neighbour === undefined) throw new Error("README.md has no place for a link to the page");
  writeFileSync(file, text.replace(neighbour, neighbour + line));
}

/** Tables come out of the program padded, but only the formatter knows its own rules. */
function format(file) {
  const { status } = spawnSync(process.execPath, [join(root, "node_modules/oxfmt/bin/oxfmt"), file], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) throw new Error(`${file} cannot be formatted`);
}

// Servers are not on the PATH of everybody.
process.env.PATH = [process.env.PATH, "/usr/sbin"].join(delimiter);
// Processes that were started end with this one, by its own "exit".
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

const parent = join(root, "test-results");
mkdirSync(parent, { recursive: true });
const folder = mkdtempSync(join(parent, "bench-"));
try {
  const { main } = await import(await bundle(folder));
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const args = process.argv.slice(2);
  process.exitCode = await main(args, {
    root,
    version,
    programs: { http2Client: join(folder, "trials/http2-client.mjs") },
    build: ensureCurrentBuild,
    ensurePrograms: ensureBenchPackages,
  });
  if (args.includes("--write") && process.exitCode !== 2) {
    format(document);
    link();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
