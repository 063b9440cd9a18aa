import type { ConfigSources } from "../server/config/load.ts";
import { findByFlag, keyNames, nearestFlag } from "../server/config/names.ts";
import {
  type FlagTable,
  type FlagValues,
  parseFlags,
  parseFlagsAndWords,
  unknownOption,
} from "./parse-arguments.ts";
import { UsageError } from "./verb.ts";

/** What a verb with a configuration was told. */
export interface ConfigArguments {
  readonly sources: ConfigSources;
  readonly json: boolean;
}

/** A verb that takes more than a configuration. */
export interface VerbSyntax {
  /** Flags of the verb alone. */
  readonly flags: FlagTable;
  /** Names of the words that it takes beside flags, for messages. */
  readonly words: readonly string[];
}

/** What a verb that takes more than a configuration was told. */
export interface ConfigAndWords extends ConfigArguments {
  /** The texts of its own flags. */
  readonly own: FlagValues;
  /** As many as the syntax has names. */
  readonly words: readonly string[];
}

const sharedFlags = {
  config: { type: "string", short: "c" },
  json: { type: "boolean" },
} as const satisfies FlagTable;

/** Reads `-c FILE`, `--json` and a flag for every key of the configuration. @throws UsageError */
export function parseConfigArguments(verb: string, args: readonly string[]): ConfigArguments {
  const spelled = spellBooleans(args);
  const values = parseFlags(spelled, { ...configFlags(spelled, sharedFlags), ...sharedFlags });
  return toConfigArguments(verb, values);
}

/** Reads the same, with words and flags of the verb's own. @throws UsageError */
export function parseConfigAndWords(
  verb: string,
  args: readonly string[],
  syntax: VerbSyntax,
): ConfigAndWords {
  const spelled = spellBooleans(args);
  const known = { ...sharedFlags, ...syntax.flags };
  const { values, words } = parseFlagsAndWords(spelled, { ...configFlags(spelled, known), ...known });
  if (words.length !== syntax.words.length)
    throw new UsageError(`${verb} takes ${syntax.words.join(" and ")} beside its flags`);
  const isOwn = ([flag]: readonly [string, unknown]): boolean => flag in syntax.flags;
  const [own, others] = [true, false].map((wanted) =>
    Object.fromEntries(Object.entries(values).filter((entry) => isOwn(entry) === wanted)),
  );
  return { ...toConfigArguments(verb, others ?? {}), own: own ?? {}, words };
}

function toConfigArguments(verb: string, { config, json, ...others }: FlagValues): ConfigArguments {
  const flags = Object.fromEntries(
    Object.entries(others).map(([flag, values]) => [flag, [values].flat().map(String)]),
  );
  const environment = process.env;
  const isTold =
    config !== undefined ||
    Object.keys(flags).length > 0 ||
    Object.keys(environment).some((variable) => variable.startsWith("QSP_"));
  if (!isTold) throw new UsageError(`${verb} needs a configuration: -c FILE`);
  return {
    sources: { environment, flags, ...(typeof config === "string" ? { file: config } : {}) },
    json: json === true,
  };
}

/** Every flag that the arguments hold and that a key has; keys in lists have as many flags as they have places. */
function configFlags(args: readonly string[], known: FlagTable): FlagTable {
  const table: FlagTable = {};
  for (const arg of args) {
    const flag = flagOf(arg);
    if (flag === null || flag in known) continue;
    if (findByFlag(flag) !== null) table[flag] = { type: "string", multiple: true };
    else if (flag !== "") throw new UsageError(`${unknownOption(`--${flag}`)}${hintFor(flag)}`);
  }
  return table;
}

const hintFor = (flag: string): string => {
  const near = nearestFlag(flag);
  return near === null ? "" : `; did you mean --${near}?`;
};

const flagOf = (arg: string): string | null =>
  arg.startsWith("--") ? (arg.slice(2).split("=", 1)[0] ?? "") : null;

/** Lets a switch stand alone: `--unsafe.plain-http-tenant` is `--unsafe.plain-http-tenant=true`. */
function spellBooleans(args: readonly string[]): readonly string[] {
  const switches = new Set(keyNames.filter(({ leaf }) => leaf === "boolean").map(({ flag }) => `--${flag}`));
  return args.flatMap((arg, index) => {
    if (!switches.has(arg)) return [arg];
    const next = args[index + 1];
    return next === "true" || next === "false" ? [arg] : [`${arg}=true`];
  });
}

/** The part of a verb's help about keys. */
export const configHelp = `Every key of the configuration is also a flag and a variable:
  session.idleTimeout   --session.idle-timeout 20m   QSP_SESSION_IDLE_TIMEOUT=20m
Flags win over variables, variables over the file. Secrets are better given as files:
  session.secretFile    --session.secret-file FILE   QSP_SESSION_SECRET_FILE=FILE`;
