import { parseArgs, type ParseArgsConfig } from "node:util";
import { UsageError } from "./verb.ts";

/** The flags of a verb, as `node:util` describes them. */
export type FlagTable = NonNullable<ParseArgsConfig["options"]>;

/** A flag's texts; `true` for a flag without one. */
export type FlagValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** Reads flags, and nothing but flags. @throws UsageError */
export function parseFlags(args: readonly string[], table: FlagTable): FlagValues {
  return parse(args, table, false).values;
}

/** What a verb was told: flags, and words that belong to none. */
export interface FlagsAndWords {
  readonly values: FlagValues;
  readonly words: readonly string[];
}

/** Reads flags and words. @throws UsageError */
export function parseFlagsAndWords(args: readonly string[], table: FlagTable): FlagsAndWords {
  return parse(args, table, true);
}

function parse(args: readonly string[], table: FlagTable, allowPositionals: boolean): FlagsAndWords {
  try {
    const parsed = parseArgs({ args: [...args], options: table, strict: true, allowPositionals });
    return { values: parsed.values, words: parsed.positionals };
  } catch (error) {
    throw new UsageError(problemOf(error as NodeJS.ErrnoException));
  }
}

/** What is wrong, without a text that could be a secret: what stands alone, and what begins with dashes as a key in PEM does. */
function problemOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL") {
    return "an argument stands alone, without a flag before it; texts with spaces need quotes";
  }
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") return unknownOption(/'([^']*)'/.exec(message)?.[1] ?? "");
  return firstSentence(message);
}

/** Says that there is no such flag; names it where it could be the name of one. */
export const unknownOption = (flag: string): string =>
  /^--?[\w.-]{1,80}$/.test(flag) ? `unknown option ${flag}` : "unknown option, which is not even like one";

/** Node adds a second sentence about positional arguments, which hardly a verb of ours has. */
const firstSentence = (message: string): string => {
  const end = message.indexOf(". ");
  const sentence = end === -1 ? message : message.slice(0, end);
  return sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, "");
};

/** Reads a port. @throws UsageError */
export function parsePort(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new UsageError(`${flag} must be a number from 0 to 65535, not "${text}"`);
  return port;
}
