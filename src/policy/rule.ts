import { parseTarget } from "../http/target.ts";

/** What a path holds; decides which checks and headers it gets. */
export type RouteClass = "static" | "rest" | "page" | "engine";

/** One line of a policy, ready to be matched. */
export interface RouteRule {
  /** The line as it was written. */
  readonly source: string;
  /** HTTP methods; null for every one of them. Upgrades are not among them. */
  readonly methods: ReadonlySet<string> | null;
  /** Whether the rule is about WebSocket upgrades, beside its methods or alone. */
  readonly upgrade: boolean;
  /** Segments of the path as written; "*" stands for one segment. */
  readonly segments: readonly string[];
  /** Whether the line ends in "/**": the path itself and everything below. */
  readonly open: boolean;
  readonly routeClass: RouteClass;
  /** Where the line stands, for the operator: a preset, or a key of the configuration. */
  readonly from?: string;
}

/** Identity by class: everything but static files belongs to somebody. rules R4 */
export function needsIdentity(routeClass: RouteClass): boolean {
  return routeClass !== "static";
}

/** What is wrong with a line, and what would be right. */
export interface RuleProblem {
  readonly problem: string;
}

/** `UPGRADE` is ours; TRACE and CONNECT are missing because no rule may offer them. */
const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "UPGRADE"];

/**
 * Parses "METHOD[,METHOD] /path". No method means every HTTP method, never an upgrade. "*" is one segment, "/**" at
 * the end the path itself and everything below. The class is "engine" for upgrades, "rest" below /api/, else "page",
 * unless it is given.
 */
export function parseRule(line: string, routeClass?: RouteClass): RouteRule | RuleProblem {
  const parts = line.trim().split(/\s+/);
  const path = parts.at(-1) ?? "";
  if (parts.length > 2) return { problem: 'a rule is "METHOD[,METHOD] /path", with one space in it' };
  const names = parts.length === 2 ? (parts[0] as string).split(",") : null;
  const problem = methodProblem(names) ?? pathProblem(path);
  if (problem !== null) return { problem };
  const open = path.endsWith("/**");
  const stem = open ? path.slice(0, -3) : path;
  const segments = open && stem === "" ? [] : stem.slice(1).split("/");
  const upgrade = names?.includes("UPGRADE") ?? false;
  const methods = names === null ? null : new Set(names.filter((name) => name !== "UPGRADE"));
  return {
    source: line.trim(),
    methods,
    upgrade,
    segments,
    open,
    routeClass: routeClass ?? defaultClass(upgrade && methods?.size === 0, segments),
  };
}

function methodProblem(names: readonly string[] | null): string | null {
  const unknown = names?.find((name) => !METHODS.includes(name));
  if (unknown === undefined) return null;
  return `"${unknown}" is no method that can be offered; known are ${METHODS.join(", ")}`;
}

function pathProblem(path: string): string | null {
  if (!path.startsWith("/")) return `the path must begin with "/": "${path}"`;
  if (path.includes("?")) return "the query is not part of a rule; end the path before the question mark";
  if (parseTarget(path) === null) return `no request can have the path "${path}": it would be refused before`;
  const segments = path.slice(1).split("/");
  for (const [at, segment] of segments.entries()) {
    if (!segment.includes("*") || segment === "*") continue;
    if (segment !== "**") return `"*" stands for a whole segment: "${segment}"`;
    if (at < segments.length - 1) return '"/**" can only stand at the end';
  }
  return null;
}

function defaultClass(onlyUpgrade: boolean, segments: readonly string[]): RouteClass {
  if (onlyUpgrade) return "engine";
  return segments[0] === "api" ? "rest" : "page";
}
