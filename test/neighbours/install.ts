import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installLocked } from "../support/example-app.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));

/** Installs what stands beside the proxy, in the versions of the lock file, unless that is there. For one test file: two would meet. */
export async function installNeighbours(): Promise<void> {
  const wanted = createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");
  const mark = join(folder, "node_modules/.installed");
  if (existsSync(mark) && readFileSync(mark, "utf8") === wanted) return;
  await installLocked(folder);
  writeFileSync(mark, wanted);
}
