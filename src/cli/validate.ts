import { type OptionProblem, OptionsError } from "../errors.ts";
import { loadServerConfig } from "../server/config/load.ts";
import { configHelp, parseConfigArguments } from "./config-arguments.ts";
import { reportFailure, reportWarnings } from "./report-problems.ts";
import { say, type Verb } from "./verb.ts";

const help = `Usage: qlik-session-proxy validate -c FILE [--json] [--KEY VALUE ...]

Checks a configuration and starts nothing. Prints all problems at once, each with its path.
Exit code 0 when there are none, 1 otherwise.

  -c, --config FILE   YAML or JSON
  --json              print {"ok", "problems", "warnings"} to standard output
  --help              this text

${configHelp}`;

async function run(args: readonly string[]): Promise<number> {
  const { sources, json } = parseConfigArguments("validate", args);
  const name = sources.file ?? "The configuration";
  try {
    const { warnings } = loadServerConfig(sources);
    if (json) printJson([], warnings);
    else {
      reportWarnings(warnings);
      say(`${name} is right.`);
    }
    return 0;
  } catch (error) {
    if (!json || !(error instanceof OptionsError)) return reportFailure(error);
    printJson(error.problems, []);
    return 1;
  }
}

const printJson = (problems: readonly OptionProblem[], warnings: readonly OptionProblem[]): void =>
  say(JSON.stringify({ ok: problems.length === 0, problems, warnings }, null, 2));

/** Checks a configuration. */
export const validate: Verb = { help, run };
