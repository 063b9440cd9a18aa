import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
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
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error === undefined) return { value: document.toJS() };
  const line = error.linePos?.[0];
  const place = line === undefined ? "" : `line ${line.line}, column ${line.col}: `;
  return {
    problem: `is not YAML: ${place}${error.message.split("\n")[0]?.replace(/ at line .*$/, "") ?? ""}`,
  };
}

function parseJson(text: string): Parsed {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: `is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
