/** Small made-up repositories, on which each check shows that it can fail. */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export const repository: string = fileURLToPath(new URL("../..", import.meta.url));

/** The files of a tree: path to text. */
export type Files = Readonly<Record<string, string>>;

/** Writes the files below a new folder, with this repository's packages in reach; gone when the test ends. */
export async function writeTree(files: Files): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "qlik-session-proxy-tree-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** How a command ended, with everything it printed. */
export interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a script of this repository with Node; `script` is relative to the repository. */
export function runScript(
  script: string,
  args: readonly string[] = [],
  cwd: string = repository,
): Promise<Outcome> {
  const child = spawn(process.execPath, [join(repository, script), ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, output }));
  });
}
