import { readFileSync } from "node:fs";
import { parseDocument, type YAMLParseError } from "yaml";
import type { OptionProblem } from "../../errors.ts";
import { isPlainObject } from "../../options/check-shape.ts";

/** What a configuration file holds. */
export interface FileTree {
  readonly tree: Readonly<Record<string, unknown>>;
  readonly problems: readonly OptionProblem[];
}

/** Reads a configuration file: JSON where the name ends in `.json`, YAML otherwise. */
export function readFileTree(file: string): FileTree {
  const failed = (message: string): FileTree => ({ tree: {}, problems: [{ path: file, message }] });
  const text = readText(file);
  if ("problem" in text) return failed(text.problem);
  const parsed = file.endsWith(".json") ? parseJson(text.text) : parseYaml(text.text);
  if ("problem" in parsed) return failed(parsed.problem);
  if (parsed.value === null) return failed("is empty");
  if (!isPlainObject(parsed.value)) return failed("must hold an object with the keys of the configuration");
  return { tree: parsed.value, problems: [] };
}

/** Reads a text file; the reason in words when it cannot be read. */
export function readText(file: string): { readonly text: string } | { readonly problem: string } {
  try {
    return { text: readFileSync(file, "utf8") };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return { problem: "does not exist" };
    if (code === "EACCES") return { problem: "may not be read by this user" };
    if (code === "EISDIR") return { problem: "is a directory" };
    return { problem: `cannot be read (${String(code)})` };
  }
}

type Parsed = { readonly value: unknown } | { readonly problem: string };

function parseYaml(text: string): Parsed {
  // Keys that are objects would be written out in a warning of the process.
  const document = parseDocument(text, { stringKeys: true });
  const [error] = document.errors;
  if (error !== undefined)
    return { problem: `is not YAML: ${placeOf(error)}: ${withoutSource(error.message)}` };
  try {
    return { value: document.toJS() };
  } catch {
    // Its message repeats the name, which may be a secret that begins with an asterisk.
    return { problem: "is not YAML: a text that begins with * is the name of another one; put it in quotes" };
  }
}

function placeOf({ linePos }: YAMLParseError): string {
  const { line, col } = linePos?.[0] ?? { line: 1, col: 1 };
  return `line ${line}, column ${col}`;
}

/** What the parser says without the text that it says it of, which may be a part of a secret. */
const withoutSource = (message: string): string =>
  (message.split("\n")[0] ?? "")
    .replace(/ at line .*$/, "")
    .replace(/(?<=\w): .*$/, "")
    .replace(/(?<=^Invalid escape sequence) .*$/, "");

function parseJson(text: string): Parsed {
  try {
    return { value: JSON.parse(text) };
  } catch {
    // Node's message repeats what stands around the mistake; what is wrong as YAML too has a place that can be named.
    const [error] = parseDocument(text).errors;
    return { problem: error === undefined ? "is not JSON" : `is not JSON: ${placeOf(error)}` };
  }
}
