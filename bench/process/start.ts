import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { onCore } from "./cores.ts";

/** A program to run. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** By which it is ended; SIGKILL by default, SIGTERM for one with children of its own. */
  readonly stopBy?: "SIGTERM";
}

/** A program that runs. */
export interface Running {
  readonly pid: number;
  readonly hasEnded: boolean;
  /** The end of what it printed. */
  output(): string;
  stop(): Promise<void>;
}

/** Where a program runs: on which core if that matters, on which port it is awaited, where its output goes. */
export interface Spot {
  readonly core?: number;
  readonly port: number;
  readonly logFile: string;
}

/** How long a program may take to listen, and to end when it is asked to. Milliseconds. */
const startTime = 30_000;
const stopTime = 2000;

/** How much of a program's output is repeated where it fails, in characters. */
const longestOutput = 300;

const alive = new Map<ChildProcess, NodeJS.Signals>();
process.on("exit", () => {
  for (const [child, signal] of alive) child.kill(signal);
});

/** A port of the loopback that is free now. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** Starts a program; resolves when it takes connections. @throws Error with its output where it does not */
export async function startProgram(program: Program, spot: Spot): Promise<Running> {
  const { core, port, logFile } = spot;
  const [command, args] =
    core === undefined ? [program.command, [...program.args]] : onCore(core, program.command, program.args);
  // A file, not a pipe: what it logs must not cost us anything.
  const log = openSync(logFile, "a");
  const child = spawn(command, args, {
    env: { ...process.env, ...program.env },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const running = watch(child, program.stopBy ?? "SIGKILL", logFile);
  const deadline = Date.now() + startTime;
  while (!(await takesConnections(port))) {
    if (!running.hasEnded && Date.now() < deadline) {
      await sleep(20);
      continue;
    }
    const why = running.hasEnded ? "ended" : "does not listen";
    await running.stop();
    throw new Error(`${program.command} ${why}: ${running.output()}`);
  }
  return running;
}

function watch(child: ChildProcess, signal: NodeJS.Signals, logFile: string): Running {
  let hasEnded = false;
  alive.set(child, signal);
  const end = (): void => {
    hasEnded = true;
    alive.delete(child);
  };
  child.once("error", end);
  const closed = once(child, "close").then(end, end);
  return {
    pid: child.pid ?? 0,
    get hasEnded() {
      return hasEnded;
    },
    output: () => readFileSync(logFile, "utf8").trimEnd().slice(-longestOutput),
    async stop() {
      if (!hasEnded) child.kill(signal);
      const kill = setTimeout(() => child.kill("SIGKILL"), stopTime);
      await closed;
      clearTimeout(kill);
    },
  };
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const say = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", say(true));
    socket.once("error", say(false));
  });
}
