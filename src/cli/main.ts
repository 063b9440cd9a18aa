#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { nearestName } from "../options/nearest-name.ts";
import { complain, say, UsageError, type Verb } from "./verb.ts";

/** Loaded when asked for: who serves needs no local tenant in memory. */
const verbs: Readonly<Record<string, () => Promise<Verb>>> = {
  demo: async () => (await import("./demo.ts")).demo,
  doctor: async () => (await import("./doctor/doctor.ts")).doctor,
  explain: async () => (await import("./explain.ts")).explain,
  emulate: async () => (await import("./emulate.ts")).emulate,
  health: async () => (await import("./health.ts")).health,
  init: async () => (await import("./init/init.ts")).init,
  keygen: async () => (await import("./keygen.ts")).keygen,
  serve: async () => (await import("./serve.ts")).serve,
  sessions: async () => (await import("./sessions.ts")).sessions,
  validate: async () => (await import("./validate.ts")).validate,
};

const help = `Usage: qlik-session-proxy VERB [OPTIONS]

A session cookie proxy for embedding Qlik Cloud.

  init       write a configuration, keys and secrets, and say what to paste where
  demo       start a local tenant, a sample portal and the proxy between them
  serve      run the proxy with a configuration file
  health     ask a running server how it is
  sessions   list and end the sessions of a running server
  validate   check a configuration file
  doctor     sign a user in step by step, and say what is wrong
  explain    say what would become of a request, and why
  keygen     make the key pair that signs users in
  emulate    start the local tenant alone

  VERB --help   what the verb takes
  --version     the version of this program

Exit codes: 0 done, 1 what was checked is wrong or failed, 2 wrong usage.`;

async function main(args: readonly string[]): Promise<number> {
  const [verb, ...rest] = args;
  if (verb === "--help" || verb === "-h" || verb === "help") return print(help);
  if (verb === "--version") return print(readVersion());
  try {
    return await runVerb(verb, rest);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(`qlik-session-proxy: ${error.message} (see --help)`);
    return 2;
  }
}

async function runVerb(name: string | undefined, args: readonly string[]): Promise<number> {
  const known = Object.keys(verbs);
  if (name === undefined) throw new UsageError(`say what to do: ${known.join(", ")}`);
  const load = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (load === undefined) {
    const near = nearestName(name, known);
    throw new UsageError(`unknown verb "${name}"${near === null ? "" : `; did you mean ${near}?`}`);
  }
  const verb = await load();
  return args.includes("--help") || args.includes("-h") ? print(verb.help) : verb.run(args);
}

function print(text: string): 0 {
  say(text);
  return 0;
}

function readVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { readonly version: string };
  return version;
}

// A reader that has seen enough, such as head, is not a failure.
process.stdout.on("error", () => process.exit(0));

const code = await main(process.argv.slice(2));
// After everything that was said has been written, whatever may still be open.
process.stdout.write("", () => process.exit(code));
