import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The built command; `npm test` builds before it tests. */
const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

type Variables = Readonly<Record<string, string>>;

/** The surroundings of a command: this process's, without what would configure it. */
const surroundings = (variables: Variables): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:QSP_|NODE_ENV$)/.test(name))),
  ...variables,
});

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function runCommand(args: readonly string[], variables: Variables = {}): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], {
    env: surroundings(variables),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = [child.stdout, child.stderr].map(collect);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout: stdout?.() ?? "", stderr: stderr?.() ?? "" };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: string[] = [];
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => chunks.push(chunk));
  return () => chunks.join("");
}

/** A command that runs until it is told to stop. */
export interface RunningCommand {
  readonly pid: number;
  /** The lines on standard output so far. */
  readonly lines: readonly string[];
  /** What it has said on standard error so far. */
  complaints(): string;
  /** Resolves with the first line that satisfies; rejects when the command ends without it. */
  line(satisfies: (line: string) => boolean): Promise<string>;
  /** Sends a signal. */
  signal(signal: NodeJS.Signals): void;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  /** Ends it whatever it does. */
  kill(): Promise<void>;
}

/** Starts a command; `descriptors` is how many files and connections it may have open at once. */
export function startCommand(
  args: readonly string[],
  variables: Variables = {},
  descriptors?: number,
): RunningCommand {
  const command = [process.execPath, main, ...args];
  const limited = ["sh", "-c", `ulimit -n ${descriptors}; exec "$0" "$@"`, ...command];
  const [program = "", ...rest] = descriptors === undefined ? command : limited;
  const child = spawn(program, rest, { env: surroundings(variables), stdio: ["ignore", "pipe", "pipe"] });
  const complaints = collect(child.stderr);
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  reader.on("line", (line) => lines.push(line));
  const ended = endOf(child);
  return {
    pid: child.pid ?? 0,
    lines,
    complaints,
    ended,
    line: (satisfies) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.find(satisfies);
          if (found === undefined) return;
          reader.off("line", look).off("close", fail);
          resolve(found);
        };
        const fail = (): void => reject(new Error(`ended without that line:\n${complaints()}`));
        reader.on("line", look).once("close", fail);
        look();
      }),
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function endOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}

/** A port that was free a moment ago, from below those that the system gives to connections that are opened meanwhile. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_240, 32_768);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
