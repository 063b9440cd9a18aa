import type { ClaimSource } from "../../tenant/claims.ts";
import { configHelp, parseConfigAndWords, type VerbSyntax } from "../config-arguments.ts";
import type { FlagValues } from "../parse-arguments.ts";
import { say, type Verb } from "../verb.ts";
import { documentOf, isWell, linesOf, summaryOf } from "./report.ts";
import { learnStep, toLesson } from "./learn/learn-step.ts";
import { runSteps } from "./run-steps.ts";
import { steps } from "./steps.ts";
import { Visit } from "./visit.ts";

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
    learn: { type: "boolean" },
    profile: { type: "string" },
    watch: { type: "string" },
  },
  words: [],
};

async function run(args: readonly string[]): Promise<number> {
  const { sources, json, own } = parseConfigAndWords("doctor", args, syntax);
  const { app } = own;
  const lesson = toLesson(own);
  const visit = new Visit({ sources, person: toPerson(own), app: typeof app === "string" ? app : undefined });
  const interrupt = (): void => visit.interruption.abort();
  // The second one ends the process, as it always does.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
  try {
    const results = await runSteps(
      lesson === null ? steps : [...steps, learnStep(lesson)],
      visit,
      (result) => {
        if (!json) for (const line of linesOf(result)) say(line);
      },
    );
    say(json ? JSON.stringify(documentOf(results), null, 2) : `\n${summaryOf(results)}`);
    return isWell(results) ? 0 : 1;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupt);
    await visit.find("upstream")?.close();
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
