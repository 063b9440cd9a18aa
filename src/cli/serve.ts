import { loadServerConfig } from "../server/config/load.ts";
import { createServerLog } from "../server/log.ts";
import { untilStopped } from "../server/signals.ts";
import { createStandaloneServer } from "../server/standalone.ts";
import { configHelp, parseConfigArguments } from "./config-arguments.ts";
import { reportFailure, reportWarnings } from "./report-problems.ts";
import type { Verb } from "./verb.ts";

const help = `Usage: qlik-session-proxy serve -c FILE [--KEY VALUE ...]

Runs the proxy. Writes one line of JSON to standard output for each exchange and each change of state.
SIGTERM and SIGINT drain and stop; a second one stops at once.

  -c, --config FILE   YAML or JSON
  --help              this text

${configHelp}`;

async function run(args: readonly string[]): Promise<number> {
  const { sources } = parseConfigArguments("serve", args);
  try {
    const { config, warnings } = loadServerConfig(sources);
    reportWarnings(warnings);
    const server = await createStandaloneServer(config);
    const log = createServerLog();
    const { url, adminUrl } = server;
    log.write({ event: "server.started", url, ...(adminUrl === undefined ? {} : { adminUrl }) });
    const code = await untilStopped(server, log);
    log.close();
    return code;
  } catch (error) {
    return reportFailure(error);
  }
}

/** Runs the proxy with listeners of its own. */
export const serve: Verb = { help, run };
