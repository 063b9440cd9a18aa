import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** A process of its own that has a file store. */
export interface StoreProcess {
  readonly pid: number;
  /** Writes documents `d0`, `d1`, … that hold `text`, and then a snapshot. */
  fill(count: number, text: string): Promise<void>;
  /** Writes one document, and no snapshot. */
  write(name: string, text: string): Promise<void>;
  /** Replaces all documents and writes a snapshot, again and again; does not answer. */
  rewrite(count: number): void;
  close(): Promise<void>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

/** Bundles what the process runs into a folder. */
export async function buildStoreProcess(folder: string): Promise<string> {
  const outfile = join(folder, "store-process.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("store-process-main.ts", import.meta.url))],
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
  });
  return outfile;
}

/** Starts a process with a store in a folder; rejects with the store's words if it cannot be had. */
export async function startStoreProcess(script: string, folder: string): Promise<StoreProcess> {
  const child = fork(script, [folder]);
  const answers = answersOf(child);
  const started = await answers();
  if (started !== "done") {
    await once(child, "exit");
    throw new Error(started);
  }
  const call = async (...message: readonly (string | number)[]): Promise<void> => {
    child.send(message);
    await answers();
  };
  return {
    pid: child.pid ?? 0,
    fill: (count, text) => call("fill", count, text),
    write: (name, text) => call("write", name, text),
    rewrite: (count) => void child.send(["rewrite", count]),
    async close() {
      await call("close");
      child.disconnect();
      await once(child, "exit");
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

function answersOf(child: ChildProcess): () => Promise<string> {
  return async () => {
    const [answer] = (await once(child, "message")) as [string];
    return answer;
  };
}
