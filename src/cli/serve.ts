import { loadServerConfig } from "../server/config/load.ts";
import { createServerLog, type ServerLog } from "../server/log.ts";
import { untilStopped } from "../server/signals.ts";
import { createStandaloneServer } from "../server/standalone.ts";
import { configHelp, parseConfigArguments } from "./config-arguments.ts";
import { reportFailure } from "./report-problems.ts";
import type { Verb } from "./verb.ts";

const help = `Usage: qlik-session-proxy serve -c FILE [--KEY VALUE ...]

Runs the proxy. Writes one line of JSON to standard output for each exchange and each change of state.
SIGTERM and SIGINT drain and stop; a second one stops at once.

  -c, --config FILE   YAML or JSON
  --help              this text

${configHelp}`;

async function run(args: readonly string[]): Promise<number> {
  const { sources } = parseConfigArguments("serve", args);
  let log: ServerLog | undefined;
  try {
    const { config, warnings } = loadServerConfig(sources);
    // Before the server, so that what is found out while it is made is written too.
    log = createServerLog();
    for (const { path, message } of warnings)
      log.write({ event: "config.warned", level: "warn", reason: `${path}: ${message}` });
    const server = await createStandaloneServer(config);
    const { url, adminUrl } = server;
    // Before it is said that the server has started: whoever reads that may stop it at once.
    const stopped = untilStopped(server, log);
    log.write({ event: "server.started", url, ...(adminUrl === undefined ? {} : { adminUrl }) });
    return await stopped;
  } catch (error) {
    return reportFailure(error);
  } finally {
    log?.close();
  }
}

/** Runs the proxy with listeners of its own. */
export const serve: Verb = { help, run };
