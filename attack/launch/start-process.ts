import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { TargetProcess } from "../target.ts";

/** A program to run, and the line by which it says where it listens. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The URL in a line of its output; undefined for every other line. */
  readonly urlIn: (line: string) => string | undefined;
  /** By which it is ended; SIGKILL by default, SIGTERM for one that has something of its own to end. */
  readonly stopBy?: "SIGTERM";
}

/** What is kept of a program's output, in characters. */
const mostOutput = 20_000;

/** How long a program may take to listen. Milliseconds. */
const startTime = 30_000;

/** Starts a program and waits until it listens. @throws Error with its output where it does not */
export async function startProcess(
  program: Program,
): Promise<{ readonly url: string; readonly process: TargetProcess }> {
  const child = spawn(program.command, program.args, {
    cwd: program.cwd,
    env: { ...process.env, ...program.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const target = watch(child, program.stopBy ?? "SIGKILL");
  const url = await urlOf(child, program, target).catch(async (error: unknown) => {
    await target.stop();
    throw error;
  });
  return { url, process: target };
}

function watch(child: ChildProcess, stopBy: NodeJS.Signals): TargetProcess {
  let output = "";
  let exited = false;
  const gone = new Promise<void>((resolve) => {
    const end = (): void => {
      exited = true;
      resolve();
    };
    child.once("close", end);
    child.once("error", end);
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-mostOutput);
    });
  }
  return {
    get exited() {
      return exited;
    },
    get output() {
      return output;
    },
    ended: gone,
    async stop() {
      if (!exited) child.kill(stopBy);
      await gone;
    },
  };
}

async function urlOf(child: ChildProcess, program: Program, target: TargetProcess): Promise<string> {
  const find = (): string | undefined => {
    for (const line of target.output.split("\n")) {
      const url = program.urlIn(line);
      if (url !== undefined) return url;
    }
    return undefined;
  };
  const failure = (why: string): Error =>
    new Error(`${program.command} ${program.args.join(" ")} ${why}: ${target.output.slice(-2000)}`);
  const deadline = AbortSignal.timeout(startTime);
  for (;;) {
    const url = find();
    if (url !== undefined) return url;
    if (target.exited) throw failure("ended");
    try {
      await Promise.race([
        once(child.stdout as NodeJS.EventEmitter, "data", { signal: deadline }),
        once(child, "close", { signal: deadline }),
      ]);
    } catch {
      throw failure(deadline.aborted ? "did not say where it listens" : "could not be started");
    }
  }
}
