import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What a command came to. */
export interface ToolRun {
  readonly status: number | null;
  /** What it printed, errors too. */
  readonly said: string;
}

/** Runs a program of `tools/`, against the last build; `env` comes on top of our own environment. */
export function runTool(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ToolRun> {
  const tool = fileURLToPath(new URL(`../../tools/${name}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [tool, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => (said += text));
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, said }));
  });
}
