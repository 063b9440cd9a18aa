import type { RouteRule } from "./rule.ts";

/** How often escapes are undone: as often as a request target is examined (`http/target.ts`). */
const DECODINGS = 3;

/** A path as one server or another might read it. */
export interface PathReadings {
  /** Its segments as they travel. */
  readonly raw: readonly string[];
  /** Its segments as the most forgiving servers read them, each way once. */
  readonly loose: readonly (readonly string[])[];
  /** Whether a segment holds an escaped slash, so that it is several to a server that decodes it first. */
  hidesSlash(at: number): boolean;
}

/** Prepares a path (of a target that has been accepted) for matching against any number of rules. */
export function readPath(path: string): PathReadings {
  let loose: readonly (readonly string[])[] | undefined;
  let slashes: Map<number, boolean> | undefined;
  const raw = path.slice(1).split("/");
  return {
    raw,
    // Only where something asks for it: most requests meet no deny rule and no page.
    get loose() {
      return (loose ??= readLoosely(path));
    },
    // Once for each segment, however many rules have a "*" there.
    hidesSlash(at) {
      const segment = raw[at] ?? "";
      if (!segment.includes("%")) return false;
      slashes ??= new Map();
      const known = slashes.get(at) ?? decodesToSlash(segment);
      slashes.set(at, known);
      return known;
    },
  };
}

/** Reads a path as servers do that undo no escape before they split it, or one layer of them, or two … */
function readLoosely(path: string): readonly (readonly string[])[] {
  const readings = [looseSegments(path)];
  let decoded = path;
  for (let round = 0; round < DECODINGS && decoded.includes("%"); round += 1) {
    decoded = decodeOnce(decoded);
    readings.push(looseSegments(decoded));
  }
  return readings;
}

/**
 * Tells whether a path is just what an allow rule says, byte for byte. "*" is one segment for everyone: one that
 * holds an escaped slash would be several to a server that decodes it first, so it does not match.
 */
export function allows(rule: RouteRule, readings: PathReadings): boolean {
  const { segments, open } = rule;
  const { raw } = readings;
  if (open ? raw.length < segments.length : raw.length !== segments.length) return false;
  for (let i = 0; i < segments.length; i += 1) {
    const segment = raw[i] as string;
    if (segments[i] === "*" ? segment === "" || readings.hidesSlash(i) : segments[i] !== segment)
      return false;
  }
  return true;
}

/** Tells whether any reading of a path falls under a deny rule. */
export type Denial = (readings: PathReadings) => boolean;

/**
 * Compiles a deny rule. It is matched loosely: case, a slash or a dot at the end, ";parameters" and escapes make no
 * difference, so that no other spelling of the path gets past it.
 */
export function compileDenial(rule: RouteRule): Denial {
  const pattern = rule.segments.map((segment) => (segment === "*" ? "*" : looseSegment(segment)));
  while (pattern.at(-1) === "") pattern.pop();
  return ({ loose }) => loose.some((segments) => fallsUnder(segments, pattern, rule.open));
}

/** Tells whether any reading of a path lies below `/api/`. */
export function isBelowApi({ loose }: PathReadings): boolean {
  return loose.some((segments) => segments[0] === "api");
}

function fallsUnder(segments: readonly string[], pattern: readonly string[], open: boolean): boolean {
  if (open ? segments.length < pattern.length : segments.length !== pattern.length) return false;
  for (let i = 0; i < pattern.length; i += 1) {
    if (pattern[i] !== "*" && pattern[i] !== segments[i]) return false;
  }
  return true;
}

/** Splits a path and reads each segment loosely; empty ones do not count. */
function looseSegments(path: string): string[] {
  return path
    .split("/")
    .map(looseSegment)
    .filter((segment) => segment !== "");
}

/** A segment without escapes, parameters, dots and spaces at its end, in lower case. */
function looseSegment(segment: string): string {
  let text = segment;
  for (let round = 0; round < DECODINGS && text.includes("%"); round += 1) text = decodeOnce(text);
  let end = 0;
  while (end < text.length && !";?#".includes(text[end] as string)) end += 1;
  while (end > 0 && ". ".includes(text[end - 1] as string)) end -= 1;
  return text.slice(0, end).toLowerCase();
}

function decodesToSlash(segment: string): boolean {
  let text = segment;
  for (let round = 0; round < DECODINGS && text.includes("%"); round += 1) text = decodeOnce(text);
  return text.includes("/");
}

/** Undoes escapes once; those that are none stay. */
function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replace(/%[0-7][0-9a-f]/gi, (escape) =>
      String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
    );
  }
}
