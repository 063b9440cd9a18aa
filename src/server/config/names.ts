import { listLeaves, type LeafKind } from "../../options/schema-node.ts";
import { nearestName } from "../../options/nearest-name.ts";
import { configSchema } from "./schema.ts";

/** Place of a value in the configuration. */
export type ConfigPath = readonly (string | number)[];

/** A key under its three names. */
export interface KeyName {
  /** As in the file; a place in a list is `[]`. */
  readonly path: readonly string[];
  readonly leaf: LeafKind;
  /** `QSP_SESSION_IDLE_TIMEOUT`; a place in a list is `N`. */
  readonly variable: string;
  /** `session.idle-timeout`; a place in a list is `N`. */
  readonly flag: string;
  readonly variablePattern: RegExp;
  readonly flagPattern: RegExp;
}

const words = (key: string): readonly string[] => key.split(/(?=[A-Z])/).map((word) => word.toLowerCase());

const inVariable = (key: string): string => words(key).join("_").toUpperCase();
const inFlag = (key: string): string => words(key).join("-");

/** A place in a list, as it stands in a name; a list of keys has a handful of entries. */
const place = "(\\d{1,2})";

const toName = (path: readonly string[], leaf: LeafKind): KeyName => {
  const write = (name: (key: string) => string, place: string, separator: string): string =>
    path.map((key) => (key === "[]" ? place : name(key))).join(separator);
  return {
    path,
    leaf,
    variable: `QSP_${write(inVariable, "N", "_")}`,
    flag: write(inFlag, "N", "."),
    variablePattern: new RegExp(`^QSP_${write(inVariable, place, "_")}$`),
    flagPattern: new RegExp(`^${write(inFlag, place, "\\.")}$`),
  };
};

/** Every key of the configuration with its variable and its flag, made from the schema by one rule. */
export const keyNames: readonly KeyName[] = listLeaves(configSchema).map(({ path, leaf }) =>
  toName(path, leaf),
);

/** A key that a variable or a flag named, with the numbers of its places in lists. */
export interface NamedKey {
  readonly path: ConfigPath;
  readonly leaf: LeafKind;
}

/** Finds the key that a variable names; null when there is none. */
export const findByVariable = (variable: string): NamedKey | null =>
  find(({ variablePattern }) => variablePattern.exec(variable));

/** Finds the key that a flag (without its dashes) names; null when there is none. */
export const findByFlag = (flag: string): NamedKey | null =>
  find(({ flagPattern }) => flagPattern.exec(flag));

function find(match: (name: KeyName) => RegExpExecArray | null): NamedKey | null {
  for (const name of keyNames) {
    const found = match(name);
    if (found === null) continue;
    const places = found.slice(1).map(Number);
    return { leaf: name.leaf, path: name.path.map((key) => (key === "[]" ? (places.shift() ?? 0) : key)) };
  }
  return null;
}

/** The variable that was probably meant, or null. */
export const nearestVariable = (variable: string): string | null =>
  nearestName(
    variable,
    keyNames.map((name) => name.variable),
  );

/** The flag that was probably meant, or null. */
export const nearestFlag = (flag: string): string | null =>
  nearestName(
    flag,
    keyNames.map((name) => name.flag),
  );
