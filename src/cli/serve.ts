import type { Reloaded } from "../proxy/session-proxy.ts";
import { type LoadedConfig, loadServerConfig } from "../server/config/load.ts";
import { LineBuffer } from "../server/line-buffer.ts";
import { createServerLog, type ServerLog } from "../server/log.ts";
import { createReloader } from "../server/reload.ts";
import { keepEarlyReload, untilStopped } from "../server/signals.ts";
import { createStandaloneServer } from "../server/standalone.ts";
import type { WorkersServer } from "../server/workers/workers-server.ts";
import { configHelp, parseConfigArguments } from "./config-arguments.ts";
import { reportFailure } from "./report-problems.ts";
import type { Verb } from "./verb.ts";

const help = `Usage: qlik-session-proxy serve -c FILE [--KEY VALUE ...]

Runs the proxy. Writes one line of JSON to standard output for each exchange and each change of state.
SIGTERM and SIGINT drain and stop; a second one stops at once.
SIGHUP reads keys, secrets, policy and allowed origins anew, and drops no connection that they still allow.

  -c, --config FILE   YAML or JSON
  --help              this text

${configHelp}`;

async function run(args: readonly string[]): Promise<number> {
  const { sources } = parseConfigArguments("serve", args);
  const earlyReload = keepEarlyReload();
  let log: ServerLog | undefined;
  try {
    const load = (): LoadedConfig => loadServerConfig(sources);
    const loaded = load();
    const { config, warnings } = loaded;
    // Before the server, so that what is found out while it is made is written too.
    const output = new LineBuffer();
    log = createServerLog(output);
    for (const { path, message } of warnings)
      log.write({ event: "config.warned", level: "warn", reason: `${path}: ${message}` });
    const server = await start(loaded, output);
    const { url, adminUrl, edgeUrl } = server;
    // Before it is said that the server has started: whoever reads that may stop it at once.
    const reloader = createReloader({ load, apply: server.reload, log, config });
    const stopped = untilStopped({ server, reloader, log });
    log.write({
      event: "server.started",
      url,
      ...(adminUrl === undefined ? {} : { adminUrl }),
      ...(edgeUrl === undefined ? {} : { edgeUrl }),
    });
    if (earlyReload()) reloader.ask();
    return await stopped;
  } catch (error) {
    return reportFailure(error);
  } finally {
    log?.close();
  }
}

/** A server of one process or of several, as the signals see it. */
type Served = Pick<WorkersServer, "url" | "adminUrl" | "edgeUrl" | "drain"> & {
  readonly reload: (next: LoadedConfig) => Reloaded | Promise<Reloaded>;
};

async function start(loaded: LoadedConfig, output: LineBuffer): Promise<Served> {
  const { workers = 1 } = loaded.config;
  if (workers > 1) {
    // One process needs none of it.
    const { startWorkers } = await import("../server/workers/workers-server.ts");
    const write = (lines: string): void => {
      output.write(lines);
      output.flush();
    };
    return startWorkers(loaded, write);
  }
  const server = await createStandaloneServer(loaded.config);
  const { url, adminUrl, edgeUrl, drain } = server;
  return { url, adminUrl, edgeUrl, drain, reload: (next) => server.prepareReload(next.config)() };
}

/** Runs the proxy with listeners of its own. */
export const serve: Verb = { help, run };
