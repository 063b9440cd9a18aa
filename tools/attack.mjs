// Runs the attack suite of attack/: `npm run attack -- --help` says what there is.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Makes one file of the suite. */
async function bundle(folder) {
  const { build } = await import("esbuild");
  const file = join(folder, "attack.mjs");
  await build({
    absWorkingDir: root,
    entryPoints: ["attack/main.ts"],
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    outfile: file,
    logLevel: "warning",
  });
  return pathToFileURL(file).href;
}

/** When the newest file below a folder was written. */
const newest = (folder) =>
  Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );

/** Builds the package where it was never built, or from older sources. */
function build() {
  const main = join(root, "dist/cli/main.js");
  if (existsSync(main) && statSync(main).mtimeMs > newest(join(root, "src"))) return;
  const { status } = spawnSync(process.execPath, [join(root, "tools/build.mjs")], {
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) throw new Error("the build failed");
}

const folder = mkdtempSync(join(tmpdir(), "qlik-session-proxy-attack-"));
try {
  const { main } = await import(await bundle(folder));
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  process.exitCode = await main(process.argv.slice(2), { root, version, build });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
