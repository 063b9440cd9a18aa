import { OptionsError } from "../errors.ts";
import { isPlainObject } from "../options/check-shape.ts";
import { parseFlags } from "./parse-arguments.ts";
import { askAdmin, NotReachedError } from "./sessions-request.ts";
import { findProbes } from "./sessions-target.ts";
import { visible } from "./sessions-text.ts";
import { complain, say, type Verb } from "./verb.ts";

const help = `Usage: qlik-session-proxy health [--live]

Asks the private listener of a running server whether new work should come to it: prints "ready", or why not.
For the health checks of containers, which have no other program to ask with.

  --live              only whether the process answers; it does while it drains and while its store is away
  --admin URL         the private listener: http://127.0.0.1:8788 by default, or unix:/path
  -c, --config FILE   take its address from admin.listen of this configuration
  --help              this text

Exit codes: 0 ready or live, 1 not ready or not reached, 2 wrong usage.`;

/** Whoever checks health gives up about then. Milliseconds. */
const patience = 3000;

async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args, {
    live: { type: "boolean" },
    admin: { type: "string" },
    config: { type: "string", short: "c" },
  });
  const { admin, config } = flags;
  const path = flags["live"] === true ? "/health/live" : "/health/ready";
  try {
    const target = findProbes({
      environment: process.env,
      ...(typeof admin === "string" ? { admin } : {}),
      ...(typeof config === "string" ? { config } : {}),
    });
    const { status, body } = await askAdmin(target, { method: "GET", path, patience });
    const word = isPlainObject(body) ? body["status"] : undefined;
    if (typeof word === "string") say(visible(word));
    else complain(`qlik-session-proxy: status ${status}, but no answer of a private listener`);
    return status === 200 && typeof word === "string" ? 0 : 1;
  } catch (error) {
    if (!(error instanceof NotReachedError || error instanceof OptionsError)) throw error;
    complain(`qlik-session-proxy: ${error.message}`);
    return 1;
  }
}

/** Asks a running server how it is. */
export const health: Verb = { help, run };
