// Reads what source files import. Type imports count: a floor that knows a type of the floor above is not below it.
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/**
 * The statements that name another module. The formatter puts every import and export statement at the start of
 * a line, which is what keeps this from needing a parser; test/architecture/ compares it with a real one.
 */
const statement = /^(?:import|export)\s(type\s(?!from\b))?(?:[^"';]*?\sfrom\s)?\s*["']([^"']+)["']/gm;

/** A call of a method of that name is none of the language's. */
const call = /(?<![\w.])import\(\s*["']([^"']+)["']/g;

/** Every module that the text of a file names, with whether any of its imports is there when the code runs. */
function specifiersOf(text) {
  const runs = new Map();
  for (const [, type, specifier] of text.matchAll(statement))
    runs.set(specifier, type === undefined || (runs.get(specifier) ?? false));
  for (const [, specifier] of text.matchAll(call)) runs.set(specifier, true);
  return [...runs];
}

/**
 * Every TypeScript file below `folder`, with its lines and its imports. Paths are relative to `folder`, with
 * forward slashes; `target` is such a path for an import of this tree, undefined for a package; `runs` is false for
 * an import of types alone.
 */
export function readSources(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => posix.relative(folder, posix.join(entry.parentPath, entry.name)))
    .filter((path) => !path.split("/").includes("node_modules"))
    .sort((one, other) => one.localeCompare(other))
    .map((path) => {
      const text = readFileSync(join(folder, path), "utf8");
      const imports = specifiersOf(text).map(([specifier, runs]) => ({
        specifier,
        runs,
        target: specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : undefined,
      }));
      return { path, lines: text.trimEnd().split("\n").length, imports };
    });
}

/** The package of a specifier: `@scope/name/sub` gives `@scope/name`. */
export function packageOf(specifier) {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}
