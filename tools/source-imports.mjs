// Reads what source files import. Type imports count: a floor that knows a type of the floor above is not below it.
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/**
 * The statements that name another module. The formatter puts every import and export statement at the start of
 * a line, which is what keeps this from needing a parser; test/architecture/ compares it with a real one.
 */
const statement = /^(?:import|export)\s(?:[^"';]*?\sfrom\s)?\s*["']([^"']+)["']/gm;
const call = /\bimport\(\s*["']([^"']+)["']/g;

/** Every module specifier in the text of a file, in order of appearance, repeated ones once. */
function specifiersOf(text) {
  const found = [...text.matchAll(statement), ...text.matchAll(call)];
  return [...new Set(found.map((match) => match[1]))];
}

/**
 * Every TypeScript file below `folder`, with its lines and its imports. Paths are relative to `folder`, with
 * forward slashes; `target` is such a path for an import of this tree, undefined for a package.
 */
export function readSources(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => posix.relative(folder, posix.join(entry.parentPath, entry.name)))
    .sort((one, other) => one.localeCompare(other))
    .map((path) => {
      const text = readFileSync(join(folder, path), "utf8");
      const imports = specifiersOf(text).map((specifier) => ({
        specifier,
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
