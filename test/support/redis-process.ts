import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** What a server of Redis is started with. */
export interface RedisProcessPlan {
  readonly command: "redis-server" | "redis-sentinel";
  /** 0 or left out: a free one. */
  readonly port?: number | undefined;
  /** Lines of the configuration file. */
  config(port: number, folder: string): readonly string[] | Promise<readonly string[]>;
  /** Arguments with which `redis-cli` may ask this server. */
  cli?(folder: string): readonly string[];
}

/** A running server on 127.0.0.1, with a folder of its own. */
export interface RedisProcess {
  readonly port: number;
  readonly folder: string;
  /** Runs a command with `redis-cli`; rejects when the server answers with an error or not at all. */
  ask(...command: readonly string[]): Promise<string>;
  /** Kills it at once (SIGKILL) and waits until it is gone. */
  kill(): Promise<void>;
  /** Stops it without closing a connection (SIGSTOP): peers meet silence. */
  pause(): void;
  resume(): void;
  /** Kills it if it runs, starts it again on the same port, and waits until it answers. */
  restart(): Promise<void>;
  /** Kills it and removes its folder; idempotent. */
  close(): Promise<void>;
}

/** The bus of a cluster listens this much above the port of a node. @see https://redis.io/docs (cluster-port) */
const busOffset = 10_000;

/** Ports are taken from here: below the ephemeral ones of Linux (32768), those of the bus included. */
const lowestPort = 12_000;
const highestPort = 22_700;

/** A start takes some 50 ms on an idle machine; this is for one that is very busy. Milliseconds. */
const longestStart = 15_000;

const run = promisify(execFile);

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort));
    if ((await isFree(port)) && (await isFree(port + busOffset))) return port;
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** Asks again and again until `holds` does; rejects after `limit` milliseconds. */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  limit: number = longestStart,
): Promise<void> {
  const end = Date.now() + limit;
  let cause: unknown;
  const isSo = (): Promise<boolean> =>
    holds().catch((error: unknown) => {
      cause = error;
      return false;
    });
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${limit} ms`, { cause });
    await pause(20);
  }
}

/**
 * Kills the servers of a test process that ended without closing them, also by SIGKILL: it is told what starts and what
 * has ended, and acts when its input ends with us.
 */
const watchScript = `
trap '' INT TERM HUP
pids=' '
while read -r sign pid; do
  case $sign in
    +) pids="$pids$pid " ;;
    -) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -9 "$pid"; done
`;

let watcherInput: Socket | undefined;

function tellWatcher(sign: "+" | "-", { pid }: ChildProcess): void {
  if (pid === undefined) return;
  if (watcherInput === undefined) {
    const watcher = spawn("sh", ["-c", watchScript], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    watcherInput = watcher.stdin as Socket;
    watcherInput.on("error", () => {});
    watcher.unref();
    watcherInput.unref();
  }
  watcherInput.write(`${sign} ${pid}\n`);
}

const isGone = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** Starts a server and waits until it answers. */
export async function startRedisProcess(plan: RedisProcessPlan): Promise<RedisProcess> {
  const folder = await mkdtemp(join(tmpdir(), "qsp-redis-"));
  const configFile = join(folder, "server.conf");
  let port = plan.port ?? 0;
  let child: ChildProcess | undefined;

  const ask = async (...command: readonly string[]): Promise<string> => {
    const options = ["-h", "127.0.0.1", "-p", String(port), "-e", ...(plan.cli?.(folder) ?? [])];
    const { stdout } = await run("redis-cli", [...options, ...command], { timeout: 5000 });
    return stdout.trimEnd();
  };
  const kill = async (): Promise<void> => {
    if (!child || isGone(child)) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  };
  const signal = (name: NodeJS.Signals): void => void child?.kill(name);
  const start = async (): Promise<void> => {
    const started = spawn(plan.command, [configFile], { cwd: folder, stdio: "ignore" });
    child = started;
    tellWatcher("+", started);
    started.on("exit", () => tellWatcher("-", started));
    started.on("error", () => {});
    await until(`${plan.command} on port ${port}`, async () => {
      if (isGone(started)) throw new Error("ended");
      // Who may not even ask has been understood, too.
      return await ask("PING").then(
        (answer) => answer === "PONG",
        (error: Error) => error.message.includes("NOPERM"),
      );
    });
  };
  const close = async (): Promise<void> => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    port ||= await freePort();
    await writeFile(configFile, [...(await plan.config(port, folder)), ""].join("\n"));
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    port,
    folder,
    ask,
    kill,
    pause: () => signal("SIGSTOP"),
    resume: () => signal("SIGCONT"),
    async restart() {
      await kill();
      await start();
    },
    close,
  };
}
