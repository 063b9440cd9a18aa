// Runs the attack suite of attack/: `npm run attack -- --help` says what there is.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ensureCurrentBuild } from "./current-build.mjs";

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

const folder = mkdtempSync(join(tmpdir(), "qlik-session-proxy-attack-"));
try {
  const { main } = await import(await bundle(folder));
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  process.exitCode = await main(process.argv.slice(2), {
    root,
    version,
    build: ensureCurrentBuild,
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
