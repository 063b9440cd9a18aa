import { setTimeout as sleep } from "node:timers/promises";
import { type RunningCommand, startCommand } from "../cli/command.ts";

/** One line of a node's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string };

/** A node: the command `serve` in a process of its own. */
export interface NodeProcess {
  readonly name: string;
  readonly port: number;
  /** Lines of its log so far. */
  log(event?: string): readonly LogLine[];
  /** False once the process has ended, for whatever reason. */
  readonly isAlive: boolean;
  /** Status of the readiness probe; 0 where nothing answers within a second. */
  readiness(): Promise<number>;
  /** Asks the private listener with its token. */
  admin(method: string, path: string): Promise<Response>;
  /** SIGSTOP: the process stands still, its connections stay open. */
  pause(): void;
  resume(): void;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** The token of every node's private listener. */
export const adminToken = "0123456789abcdef0123456789abcdef";

const parsed = (line: string): LogLine => {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { event: line };
  }
};

function handleOf(name: string, command: RunningCommand, started: LogLine): NodeProcess {
  const adminUrl = String(started["adminUrl"]);
  let isAlive = true;
  void command.ended.then(() => (isAlive = false));
  // A test run that is cut off leaves no node behind.
  const killAtExit = (): void => command.signal("SIGKILL");
  process.on("exit", killAtExit);
  void command.ended.then(() => process.off("exit", killAtExit));
  return {
    name,
    port: Number(new URL(String(started["url"])).port),
    log(event) {
      const lines = command.lines.map(parsed);
      return event === undefined ? lines : lines.filter((line) => line.event === event);
    },
    get isAlive() {
      return isAlive;
    },
    async readiness() {
      const answer = await fetch(`${adminUrl}/health/ready`, { signal: AbortSignal.timeout(1000) }).catch(
        () => null,
      );
      await answer?.arrayBuffer();
      return answer?.status ?? 0;
    },
    admin: (method, path) =>
      fetch(`${adminUrl}${path}`, { method, headers: { authorization: `Bearer ${adminToken}` } }),
    pause: () => command.signal("SIGSTOP"),
    resume: () => command.signal("SIGCONT"),
    stop() {
      command.signal("SIGTERM");
      return command.ended;
    },
    kill: () => command.kill(),
  };
}

/** Starts a node with a configuration file, by default on any free port; resolves when it listens. */
export async function startNode(name: string, configFile: string, port = 0): Promise<NodeProcess> {
  const command = startCommand(["serve", "-c", configFile, "--listen", `127.0.0.1:${port}`]);
  try {
    return handleOf(name, command, parsed(await command.line((line) => line.includes('"server.started"'))));
  } catch (error) {
    await command.kill();
    throw error;
  }
}

/** Waits until the readiness of every node has this status; returns how long that took. Milliseconds. */
export async function untilReadiness(nodes: readonly NodeProcess[], status: number): Promise<number> {
  const start = performance.now();
  for (;;) {
    const states = await Promise.all(nodes.map((node) => node.readiness()));
    if (states.every((state) => state === status)) return performance.now() - start;
    // Outages of these tests last seconds; a node that needs half a minute does not recover by itself.
    if (performance.now() - start > 30_000)
      throw new Error(`readiness is ${states.join(", ")}, not ${status}`);
    await sleep(50);
  }
}
