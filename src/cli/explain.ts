import { resolveOptions } from "../options/session-proxy-options.ts";
import { createExplainer } from "../proxy/explain/explain.ts";
import { loadServerConfig } from "../server/config/load.ts";
import { configHelp, parseConfigAndWords, type VerbSyntax } from "./config-arguments.ts";
import { toQuestion } from "./explain-question.ts";
import { explanationDocument, explanationLines } from "./explain-text.ts";
import { reportFailure, reportWarnings } from "./report-problems.ts";
import { say, type Verb } from "./verb.ts";

const help = `Usage: qlik-session-proxy explain -c FILE METHOD URL [--origin ORIGIN] [--peer ADDRESS]
         [--header 'NAME: VALUE' ...]

Says what would become of a request, and why: which rule decides, who may send it, what the tenant would get, and what
becomes of its answer. Connects to nothing and signs nobody in. What you type is printed where it travels, in URL and
headers; no secret of the configuration or of a session is.

  METHOD              an HTTP method, or UPGRADE for a WebSocket
  URL                 as the browser asks for it: a path such as /qlik/api/v1/items, or a whole URL, of which browsers
                      keep the #fragment
  --origin ORIGIN     as a page of this origin would ask; of publicOrigin by default
  --peer ADDRESS      as if this address had connected, such as that of a front door; a client's by default
  --header TEXT       a header in the place of the browser's; 'NAME:' leaves it out; may be repeated. Their size is not
                      judged: the server answers 431 beyond 64 KiB, Node by itself beyond 16 KiB
  -c, --config FILE   YAML or JSON
  --json              print the explanation as JSON
  --help              this text

Exit codes: 0 forwarded, or answered by the proxy, 1 refused or a wrong configuration, 2 wrong usage.

${configHelp}`;

const syntax: VerbSyntax = {
  flags: { origin: { type: "string" }, peer: { type: "string" }, header: { type: "string", multiple: true } },
  words: ["METHOD", "URL"],
};

async function run(args: readonly string[]): Promise<number> {
  const { sources, json, own, words } = parseConfigAndWords("explain", args, syntax);
  const [method = "", url = ""] = words;
  const { origin, peer, header } = own;
  const question = toQuestion(method, url, {
    ...(typeof origin === "string" ? { origin } : {}),
    ...(typeof peer === "string" ? { peer } : {}),
    headers: [header ?? []].flat().map(String),
  });
  try {
    const { config, warnings } = loadServerConfig(sources);
    const explanation = createExplainer(resolveOptions(config.options))(question);
    if (json) say(JSON.stringify(explanationDocument(question, explanation), null, 2));
    else {
      reportWarnings(warnings);
      for (const line of explanationLines(question, explanation)) say(line);
    }
    return explanation.outcome === "refused" ? 1 : 0;
  } catch (error) {
    return reportFailure(error);
  }
}

/** Says what would become of a request. */
export const explain: Verb = { help, run };
