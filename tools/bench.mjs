// Measures the built proxy beside public ones: `npm run bench -- --help` says how; see bench/.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ensureCurrentBuild } from "./current-build.mjs";
import { ensureBenchPackages } from "./debian-packages.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const document = join(root, "docs/reference/performance.md");

/** Makes one file of the bench; its packages are found from where it lies. */
async function bundle(folder) {
  const { build } = await import("esbuild");
  const file = join(folder, "bench.mjs");
  await build({
    absWorkingDir: root,
    entryPoints: ["bench/main.ts"],
    bundle: true,
    packages: "external",
    platform: "node",
    target: "node20",
    format: "esm",
    outfile: file,
    logLevel: "warning",
  });
  return pathToFileURL(file).href;
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
    build: ensureCurrentBuild,
    ensurePrograms: ensureBenchPackages,
  });
  if (args.includes("--write") && process.exitCode !== 2) format(document);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
