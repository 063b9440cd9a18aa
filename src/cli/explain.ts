import { OptionsError } from "../errors.ts";
import { firstHeader, type RawHeaders } from "../http/raw-headers.ts";
import type { ResolvedOptions } from "../options/resolved-options.ts";
import { eachOptions, resolveAll, type ResolvedTenants } from "../options/several-tenants.ts";
import { createExplainer, type Question } from "../proxy/explain/explain.ts";
import type { RequestHead } from "../proxy/request-head.ts";
import { findTenant } from "../proxy/tenants/find-tenant.ts";
import { loadServerConfig } from "../server/config/load.ts";
import { configHelp, parseConfigAndWords, type VerbSyntax } from "./config-arguments.ts";
import { toQuestion } from "./explain-question.ts";
import { explanationDocument, explanationLines } from "./explain-text.ts";
import type { FlagValues } from "./parse-arguments.ts";
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
  --tenant NAME       of several tenants; the one that the request finds by default
  -c, --config FILE   YAML or JSON
  --json              print the explanation as JSON
  --help              this text

Exit codes: 0 forwarded, or answered by the proxy, 1 refused or a wrong configuration, 2 wrong usage.

${configHelp}`;

const syntax: VerbSyntax = {
  flags: {
    origin: { type: "string" },
    peer: { type: "string" },
    header: { type: "string", multiple: true },
    tenant: { type: "string" },
  },
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
    const resolved = resolveAll(config.options);
    const several = "tenants" in resolved ? tenantOf(resolved, question, own["tenant"]) : null;
    const [first] = eachOptions(resolved);
    const options = several?.options ?? first;
    if (options === undefined) throw new Error("a configuration without a tenant");
    const explanation = createExplainer(options)(several === null ? question : several.question);
    const chosen = several === null ? {} : { tenant: several.name, chosenBy: several.chosenBy };
    if (json) say(JSON.stringify({ ...chosen, ...explanationDocument(question, explanation) }, null, 2));
    else {
      reportWarnings(warnings);
      if (several !== null) say(`Tenant ${several.name ?? "none"}: ${several.chosenBy}`);
      for (const line of explanationLines(question, explanation)) say(line);
    }
    return explanation.outcome === "refused" ? 1 : 0;
  } catch (error) {
    return reportFailure(error);
  }
}

interface ChosenTenant {
  /** Null where the request is for none of them: the first one's rules say what becomes of it. */
  readonly name: string | null;
  readonly chosenBy: string;
  readonly options: ResolvedOptions;
  readonly question: Question;
}

/** Which of several tenants a question is for. By a claim nothing in a request says so. @throws OptionsError */
function tenantOf(
  { by, tenants }: ResolvedTenants,
  question: Question,
  wanted: FlagValues[string],
): ChosenTenant {
  const [first] = tenants;
  const named = tenants.find(({ name }) => name === wanted);
  if (wanted !== undefined && named === undefined) {
    const message = `must be one of ${tenants.map(({ name }) => name).join(", ")}`;
    throw new OptionsError([{ path: "--tenant", message }]);
  }
  if (named !== undefined) {
    return { name: named.name, chosenBy: "as --tenant says", options: named.options, question };
  }
  if (by === "claim") {
    const chosenBy = "the first; by claim, who asks decides. --tenant explains another one";
    return { name: first.name, chosenBy, options: first.options, question };
  }
  const host =
    question.host ??
    hostIn(question.headers) ??
    new URL(first.options.publicOrigin ?? "https://localhost").host;
  const found = findTenant(tenants, by, headFor(question.target, host));
  return {
    name: found?.name ?? null,
    chosenBy: found === undefined ? `no tenant has this ${by}` : `by its ${by}, ${found.match}`,
    options: (found ?? first).options,
    question: { ...question, host },
  };
}

const hostIn = (headers: RawHeaders): string | undefined => firstHeader(headers, "host");

/** All of a request that a tenant is found by. */
const headFor = (target: string, host: string): RequestHead => ({
  method: "GET",
  url: target,
  rawHeaders: ["Host", host],
  httpVersionMajor: 1,
  httpVersionMinor: 1,
  socket: {},
});

/** Says what would become of a request. */
export const explain: Verb = { help, run };
