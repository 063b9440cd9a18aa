import { OptionsError } from "../../errors.ts";
import { namesOf } from "../../options/several-tenants.ts";
import { type ConfigSources, loadServerConfig } from "../../server/config/load.ts";
import type { ClaimSource } from "../../tenant/claims.ts";
import { configHelp, parseConfigAndWords, type VerbSyntax } from "../config-arguments.ts";
import type { FlagValues } from "../parse-arguments.ts";
import { say, UsageError, type Verb } from "../verb.ts";
import { documentOf, isWell, linesOf, summaryOf } from "./report.ts";
import { learnStep, toLesson } from "./learn/learn-step.ts";
import { runSteps, type StepResult } from "./run-steps.ts";
import type { Step } from "./step.ts";
import { steps } from "./steps.ts";
import { type Questions, Visit } from "./visit.ts";

const help = `Usage: qlik-session-proxy doctor -c FILE [--subject S] [--learn] [--json]

Signs a user in to the tenant as "serve" would, step by step: key and certificate, claims, clocks, name, connection, TLS,
login, cookies, CSRF token, data, WebSocket and the engine's first message, answers as browsers get them, store, listeners,
public origin and front door. Each step that fails names its cause and the remedy. Ends the session that it began.

The user exists in the tenant from the first login on. Without --subject it is qlik-session-proxy-doctor@ and the host of
publicOrigin; a user may take a licence.

  --subject S         who is signed in
  --name N            display name; the subject by default
  --email E           e-mail; the subject by default, if it is an address
  --group G           a group of the user; may be repeated
  --tenant NAME       of several tenants; every one by default
  --app ID            the app whose engine is asked; the first that the user sees by default
  --learn             then asks the tenant what no public source says, and writes a profile of it: answers, forms and
                      lifetimes, no name and no secret. Signs in about ten times. For the key tenant.profileFile
  --profile FILE      where to; tenant-profile.yaml by default, never over another file
  --watch DURATION    how long an idle socket is watched for --learn; 70s by default
  -c, --config FILE   YAML or JSON
  --json              print {"ok", "steps"} to standard output
  --help              this text

Exit codes: 0 nothing failed, 1 something did, 2 wrong usage.

${configHelp}`;

const syntax: VerbSyntax = {
  flags: {
    subject: { type: "string" },
    name: { type: "string" },
    email: { type: "string" },
    group: { type: "string", multiple: true },
    app: { type: "string" },
    tenant: { type: "string" },
    learn: { type: "boolean" },
    profile: { type: "string" },
    watch: { type: "string" },
  },
  words: [],
};

async function run(args: readonly string[]): Promise<number> {
  const { sources, json, own } = parseConfigAndWords("doctor", args, syntax);
  const { app, tenant } = own;
  const lesson = toLesson(own);
  const questions = { sources, person: toPerson(own), app: typeof app === "string" ? app : undefined };
  const names = typeof tenant === "string" ? [tenant] : tenantsIn(sources);
  if (lesson !== null && names.length > 1)
    throw new UsageError("--learn writes the profile of one tenant: name it with --tenant");
  const all = lesson === null ? steps : [...steps, learnStep(lesson)];
  const [only] = names;
  if (only === undefined || names.length === 1) {
    const { results } = await visitTenant(all, { ...questions, tenant: only }, json);
    say(json ? JSON.stringify(documentOf(results), null, 2) : `\n${summaryOf(results)}`);
    return isWell(results) ? 0 : 1;
  }
  const found: { readonly tenant: string; readonly results: readonly StepResult[] }[] = [];
  for (const name of names) {
    if (!json) say(`${found.length === 0 ? "" : "\n"}Tenant ${name}`);
    const { results, isInterrupted } = await visitTenant(all, { ...questions, tenant: name }, json);
    found.push({ tenant: name, results });
    if (!json) say(`\n${summaryOf(results)}`);
    if (isInterrupted) break;
  }
  const isAllWell = found.every(({ results }) => isWell(results));
  const tenants = found.map((each) => ({ tenant: each.tenant, ...documentOf(each.results) }));
  if (json) say(JSON.stringify({ ok: isAllWell, tenants }, null, 2));
  return isAllWell ? 0 : 1;
}

/** Goes through the steps at one tenant. */
async function visitTenant(
  all: readonly Step[],
  questions: Questions,
  json: boolean,
): Promise<{ readonly results: readonly StepResult[]; readonly isInterrupted: boolean }> {
  const visit = new Visit(questions);
  const interrupt = (): void => visit.interruption.abort();
  // The second one ends the process, as it always does.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
  try {
    const results = await runSteps(all, visit, (result) => {
      if (!json) for (const line of linesOf(result)) say(line);
    });
    return { results, isInterrupted: visit.interruption.signal.aborted };
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupt);
    await visit.find("upstream")?.close();
  }
}

/** Names of the tenants of a configuration; none where there is one, or something is wrong, which is the first step's to say. */
function tenantsIn(sources: ConfigSources): readonly string[] {
  try {
    return namesOf(loadServerConfig(sources).config.options);
  } catch (error) {
    if (error instanceof OptionsError) return [];
    throw error;
  }
}

function toPerson({ subject, name, email, group }: FlagValues): Partial<ClaimSource> {
  return {
    ...(typeof subject === "string" ? { subject } : {}),
    ...(typeof name === "string" ? { name } : {}),
    ...(typeof email === "string" ? { email } : {}),
    ...(group === undefined ? {} : { groups: [group].flat().map(String) }),
  };
}

/** Looks at the whole chain, step by step. */
export const doctor: Verb = { help, run };
