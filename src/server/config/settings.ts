import type { OptionProblem } from "../../errors.ts";
import type { LeafKind } from "../../options/schema-node.ts";
import { type ConfigPath, findByFlag, findByVariable, nearestFlag, nearestVariable } from "./names.ts";

/** One value from outside the file. */
export interface Setting {
  readonly path: ConfigPath;
  /** As a file would hold it: durations and sizes are still text. */
  readonly value: unknown;
  /** The variable or flag, for messages. */
  readonly source: string;
}

/** Settings of one source, and what is wrong with it. */
export interface Settings {
  readonly settings: readonly Setting[];
  readonly problems: readonly OptionProblem[];
}

/** Kubernetes sets these for a service that is called "qsp"; they are not meant for us. */
const serviceLink = /^QSP_(?:.*_)?(?:SERVICE_(?:HOST|PORT)(?:_.*)?|PORT(?:_\d+_(?:TCP|UDP).*)?)$/;

/** Reads every variable that begins with `QSP_`; an unknown one is a problem, as in the file. */
export function readVariables(environment: Readonly<NodeJS.ProcessEnv>): Settings {
  const settings: Setting[] = [];
  const problems: OptionProblem[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith("QSP_") || text === undefined || serviceLink.test(variable)) continue;
    const key = findByVariable(variable);
    if (key !== null) {
      settings.push({ path: key.path, value: fromText(text, key.leaf), source: variable });
      continue;
    }
    const near = nearestVariable(variable);
    const hint = near === null ? "" : `; did you mean ${near}?`;
    problems.push({ path: variable, message: `is not a known variable${hint}` });
  }
  return { settings, problems };
}

/** A flag of the command line without its dashes, and its texts in order. */
export type Flags = Readonly<Record<string, readonly string[]>>;

/** Reads flags; lists may be given by repeating the flag. */
export function readFlags(flags: Flags): Settings {
  const settings: Setting[] = [];
  const problems: OptionProblem[] = [];
  for (const [flag, texts] of Object.entries(flags)) {
    const key = findByFlag(flag);
    const source = `--${flag}`;
    if (key === null) {
      const near = nearestFlag(flag);
      const hint = near === null ? "" : `; did you mean --${near}?`;
      problems.push({ path: source, message: `is not a known flag${hint}` });
    } else if (texts.length === 1 || key.leaf === "list" || key.leaf === "lines") {
      const values = texts.map((text) => fromText(text, key.leaf));
      settings.push({ path: key.path, value: values.length === 1 ? values[0] : values.flat(), source });
    } else {
      problems.push({ path: source, message: "is given more than once" });
    }
  }
  return { settings, problems };
}

/** Turns the text of a variable or flag into what a file would hold; what does not fit stays text, for the schema. */
function fromText(text: string, leaf: LeafKind): unknown {
  if (leaf === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (leaf === "integer") return /^\d{1,15}$/.test(text) ? Number(text) : text;
  if (leaf !== "list" && leaf !== "lines") return text;
  if (text.trimStart().startsWith("[")) return parseList(text) ?? text;
  return text
    .split(leaf === "list" ? /[,\n]/ : "\n")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function parseList(text: string): readonly unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
