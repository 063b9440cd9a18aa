// Builds the package for a program that runs what is built, where it was never built or from older sources.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** When the newest file below a folder was written. */
const newest = (folder) =>
  Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );

/** Makes sure that `dist/` is built from the sources that stand there. @throws Error where they do not compile */
export function ensureCurrentBuild() {
  const main = join(root, "dist/cli/main.js");
  if (existsSync(main) && statSync(main).mtimeMs > newest(join(root, "src"))) return;
  const { status } = spawnSync(process.execPath, [join(root, "tools/build.mjs")], {
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) throw new Error("the build failed");
}
