import { OptionsError } from "../errors.ts";
import { isPlainObject } from "../options/check-shape.ts";
import { parseDuration } from "../options/duration.ts";
import type { ListedSession } from "../proxy/session-proxy.ts";
import { type FlagTable, parseFlags } from "./parse-arguments.ts";
import { type AdminReply, type AdminTarget, askAdmin, NotReachedError } from "./sessions-request.ts";
import { findTarget } from "./sessions-target.ts";
import { sessionTable, visible } from "./sessions-text.ts";
import { complain, say, UsageError, type Verb } from "./verb.ts";

const help = `Usage: qlik-session-proxy sessions list [--subject S] [--key K] [--limit N]
       qlik-session-proxy sessions revoke --subject S [--block-for 10m]
       qlik-session-proxy sessions revoke --key K

Lists the sessions of all nodes, the last used first, or ends them: on every node, sockets included.
Asks the private listener of a running server.

  --subject S         the sessions of this subject
  --key K             the session with this key, 64 hex digits as the list shows it
  --block-for T       no new session of the subject begins for so long, such as 10m
  --limit N           list at most so many; 1000 by default
  --admin URL         the private listener: http://127.0.0.1:8788 by default, or unix:/path
  --token-file FILE   its token; or QSP_ADMIN_TOKEN_FILE, or QSP_ADMIN_TOKEN
  -c, --config FILE   take address and token from admin.listen and admin.tokenFile of this configuration
  --json              print what the listener answered
  --help              this text

Exit codes: 0 done, 1 not reached, refused or no such key, 2 wrong usage.`;

const sharedFlags = {
  subject: { type: "string" },
  key: { type: "string" },
  admin: { type: "string" },
  "token-file": { type: "string" },
  config: { type: "string", short: "c" },
  json: { type: "boolean" },
} as const satisfies FlagTable;

/** What a verb of `sessions` was told. */
interface SessionArguments {
  readonly target: () => AdminTarget;
  readonly json: boolean;
  readonly subject: string | undefined;
  readonly key: string | undefined;
  /** The flag that only this verb has. */
  readonly own: string | undefined;
}

async function run(args: readonly string[]): Promise<number> {
  const [verb, ...rest] = args;
  if (verb !== "list" && verb !== "revoke")
    throw new UsageError("say what to do: sessions list or sessions revoke");
  try {
    return verb === "list" ? await list(parse(rest, "limit")) : await revoke(parse(rest, "block-for"));
  } catch (error) {
    if (!(error instanceof NotReachedError || error instanceof OptionsError)) throw error;
    complain(`qlik-session-proxy: ${error.message}`);
    return 1;
  }
}

function parse(args: readonly string[], ownFlag: "limit" | "block-for"): SessionArguments {
  const flags = parseFlags(args, { ...sharedFlags, [ownFlag]: { type: "string" } });
  const text = (name: string): string | undefined =>
    typeof flags[name] === "string" ? flags[name] : undefined;
  const [admin, tokenFile, config] = ["admin", "token-file", "config"].map(text);
  const key = text("key");
  if (key !== undefined && !/^[0-9a-f]{64}$/.test(key)) {
    throw new UsageError("--key must be 64 hex digits, as sessions list shows it");
  }
  return {
    target: () =>
      findTarget({
        environment: process.env,
        ...(admin === undefined ? {} : { admin }),
        ...(tokenFile === undefined ? {} : { tokenFile }),
        ...(config === undefined ? {} : { config }),
      }),
    json: flags["json"] === true,
    subject: text("subject"),
    key,
    own: text(ownFlag),
  };
}

async function list({ target, json, subject, key, own: limit }: SessionArguments): Promise<number> {
  if (limit !== undefined && !/^(?:[1-9]\d{0,4}|100000)$/.test(limit)) {
    throw new UsageError(`--limit must be a number from 1 to 100000, not "${limit}"`);
  }
  const reply = await askAdmin(target(), {
    method: "GET",
    path: `/sessions${query({ subject, key, limit })}`,
  });
  if (reply.status !== 200 || !Array.isArray(reply.body)) return refused(reply);
  if (json) return print(reply.body);
  const sessions = reply.body as readonly ListedSession[];
  if (sessions.length === 0) say("No sessions.");
  else for (const line of sessionTable(sessions)) say(line.trimEnd());
  const total = Number(reply.headers["x-total-count"]);
  if (total > sessions.length) complain(`${sessions.length} of ${total} sessions; more with --limit`);
  return 0;
}

async function revoke({ target, json, subject, key, own: blockFor }: SessionArguments): Promise<number> {
  if ((subject === undefined) === (key === undefined)) {
    throw new UsageError("sessions revoke needs exactly one of --subject and --key");
  }
  if (blockFor !== undefined && subject === undefined)
    throw new UsageError("--block-for goes with --subject");
  if (blockFor !== undefined && parseDuration(blockFor) === null) {
    throw new UsageError(`--block-for must be a duration such as 10m, not "${blockFor}"`);
  }
  const reply = await askAdmin(target(), {
    method: "DELETE",
    path: `/sessions${query({ subject, key, blockFor })}`,
  });
  if (reply.status !== 200 || !isPlainObject(reply.body)) return refused(reply);
  if (json) return print(reply.body);
  const { revoked } = reply.body;
  const count =
    typeof revoked === "number" ? `${revoked} ${revoked === 1 ? "session" : "sessions"}` : "all sessions";
  say(`Ended: ${count} of ${subject === undefined ? `key ${key}` : visible(subject)}.`);
  if (blockFor !== undefined) say(`No new session begins for ${blockFor}.`);
  return 0;
}

function query(parameters: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(parameters)
    .filter((pair): pair is [string, string] => pair[1] !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function print(body: unknown): 0 {
  say(JSON.stringify(body, null, 2));
  return 0;
}

/** Says why the listener did not do it, in its words. */
function refused({ status, body }: AdminReply): 1 {
  const { title, detail } = firstError(body);
  if (typeof title !== "string") {
    complain(
      `qlik-session-proxy: status ${status}, but no answer of a private listener: is this its admin.listen?`,
    );
    return 1;
  }
  complain(`qlik-session-proxy: ${visible(typeof detail === "string" ? detail : title)} (status ${status})`);
  return 1;
}

function firstError(body: unknown): Readonly<Record<string, unknown>> {
  const errors = isPlainObject(body) ? body["errors"] : undefined;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  return isPlainObject(first) ? first : {};
}

/** Lists and ends the sessions of a running server. */
export const sessions: Verb = { help, run };
