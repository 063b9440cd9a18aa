import { statSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import type { OptionProblem } from "../../errors.ts";
import { formatPath, isPlainObject } from "../../options/check-shape.ts";
import { holdsPassword } from "../../options/store-choice.ts";
import { readText } from "./file-tree.ts";
import { getAt, setAt } from "./merge.ts";
import type { ConfigPath } from "./names.ts";
import { type FileBackedKey, fileBackedKeys } from "./schema.ts";
import type { Setting } from "./settings.ts";

/** Everything that is needed to find the files that a configuration names. */
export interface FileBackedSources {
  /** After the variables and flags were laid over the file. Changed: gets the contents of the files. */
  readonly tree: Record<string, unknown>;
  /** As the file has it. */
  readonly fileTree: unknown;
  /** Paths in the configuration file are relative to its folder, all others to the working directory. */
  readonly configFile: string | undefined;
  readonly settings: readonly Setting[];
}

/** What is wrong, and what should be thought about. */
export interface FileBackedResult {
  readonly problems: readonly OptionProblem[];
  readonly warnings: readonly OptionProblem[];
  /** The place where the operator wrote a text, by the place of the text itself. */
  readonly writtenAt: ReadonlyMap<string, string>;
}

/** Puts the contents of files where their texts belong. */
export function readFileBackedKeys(sources: FileBackedSources): FileBackedResult {
  const problems: OptionProblem[] = [];
  const warnings: OptionProblem[] = [];
  const writtenAt = new Map<string, string>();
  for (const key of fileBackedKeys) {
    for (const path of expand(sources.tree, key.path)) {
      const filePath = toFilePath(path);
      const places = placesOf(sources, path, filePath);
      const text = getAt(sources.tree, path);
      const file = getAt(sources.tree, filePath);
      if (text === undefined && (file !== undefined || key.secret === true))
        writtenAt.set(formatPath(path), formatPath(filePath));
      if (givenTwice(key, places, { text, file })) {
        const where = places.map(({ name }) => name).join(" and ");
        problems.push({ path: formatPath(path), message: `is given more than once: in ${where}` });
      } else if (typeof file === "string" && file !== "") {
        const folder = folderOf(sources, filePath);
        const resolved = resolve(folder, file);
        const result = readText(resolved);
        if ("problem" in result) {
          const message = unreadable(file, result.problem, { folder, key: String(path.at(-1)) });
          problems.push({ path: formatPath(filePath), message });
          continue;
        }
        setAt(sources.tree, path, withoutLastLineBreak(result.text));
        if (isSecret(key, getAt(sources.tree, path)) && isWorldReadable(resolved)) {
          warnings.push({
            path: formatPath(filePath),
            message: `${resolved} may be read by every user: chmod 600`,
          });
        }
      } else if (text === undefined && file === undefined && key.required) {
        problems.push({ path: formatPath(filePath), message: `is missing (or ${String(path.at(-1))})` });
      }
      if (isSecret(key, text)) warnings.push(...onCommandLine(path, places));
    }
  }
  return { problems, warnings, writtenAt };
}

/** The places in a tree that a path with `[]` stands for; none where the object around the key is missing. */
function expand(tree: unknown, path: readonly string[]): readonly ConfigPath[] {
  const last = path.at(-1) ?? "";
  const parents = path.slice(0, -1).reduce<readonly ConfigPath[]>(
    (places, key) =>
      places.flatMap((place): readonly ConfigPath[] => {
        if (key !== "[]") return [[...place, key]];
        const list = getAt(tree, place);
        return Array.isArray(list) ? [...list.keys()].map((index) => [...place, index]) : [];
      }),
    [[]],
  );
  return parents.filter((parent) => isPlainObject(getAt(tree, parent))).map((parent) => [...parent, last]);
}

const toFilePath = (path: ConfigPath): ConfigPath => [...path.slice(0, -1), `${String(path.at(-1))}File`];

interface Place {
  readonly name: string;
  readonly setting: Setting | undefined;
}

/** Every place where the operator gave the text or its file. */
function placesOf(
  { fileTree, settings }: FileBackedSources,
  path: ConfigPath,
  filePath: ConfigPath,
): readonly Place[] {
  const wanted = [path, filePath].map(formatPath);
  return [
    ...[path, filePath]
      .filter((place) => getAt(fileTree, place) !== undefined)
      .map((place) => ({ name: formatPath(place), setting: undefined })),
    ...settings
      .filter((setting) => wanted.includes(formatPath(setting.path)))
      .map((setting) => ({ name: setting.source, setting })),
  ];
}

const isSecret = ({ secret }: FileBackedKey, text: unknown): boolean =>
  secret === "with a password" ? typeof text === "string" && holdsPassword(text) : secret;

/** A secret has one place only, so that nobody rotates the copy that is not used; other texts follow precedence. */
const givenTwice = (
  key: FileBackedKey,
  places: readonly Place[],
  { text, file }: { readonly text: unknown; readonly file: unknown },
): boolean => (key.secret === true ? places.length > 1 : text !== undefined && file !== undefined);

/** Where the name of a file begins if it is relative. */
function folderOf({ settings, configFile }: FileBackedSources, filePath: ConfigPath): string {
  const fromOutside = settings.some((setting) => formatPath(setting.path) === formatPath(filePath));
  return fromOutside || configFile === undefined ? resolve() : resolve(dirname(configFile));
}

/** Never repeats the name: it may be the secret itself, written where the name of its file belongs. */
function unreadable(
  file: string,
  problem: string,
  { folder, key }: { readonly folder: string; readonly key: string },
): string {
  if (file.includes("-----BEGIN ")) return `holds a text in PEM; that belongs to ${key}`;
  return `names a file that ${problem}${isAbsolute(file) ? "" : `, looked for in ${folder}`}`;
}

const withoutLastLineBreak = (text: string): string => text.replace(/\r?\n$/, "");

/** The permission bit "others may read". */
const othersMayRead = 0o004;

function isWorldReadable(file: string): boolean {
  // Windows has no such bits; Node makes them up.
  if (process.platform === "win32") return false;
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true && (stat.mode & othersMayRead) !== 0;
}

const onCommandLine = (path: ConfigPath, places: readonly Place[]): readonly OptionProblem[] =>
  places
    .filter(({ setting }) => setting?.source.startsWith("--") === true && setting.path.at(-1) === path.at(-1))
    .map(({ name }) => ({
      path: formatPath(path),
      message: `${name} shows the secret to everybody who can list processes: use ${name}-file`,
    }));
