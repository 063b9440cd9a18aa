/** A request target that means the same to everyone who reads it. */
export interface Target {
  /** The path exactly as it came, with its escapes. */
  readonly path: string;
  /** The query exactly as it came, with its "?"; "" without one. */
  readonly query: string;
}

const SPACE = 0x20;
const HASH = 0x23;
const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const QUESTION = 0x3f;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;

/**
 * How often a path is decoded to see what someone behind us might read in it. Two is what real attacks use;
 * an escape that is still there after the third is refused, which also bounds the work.
 */
const DECODINGS = 3;

/** Why a request target is refused, in words for the operator; nothing of the target is in them. */
export interface TargetFlaw {
  readonly flaw: string;
}

/** Parses an origin-form request target, or gives null where its meaning is open to dispute: {@link readTarget}. */
export function parseTarget(raw: string): Target | null {
  const read = readTarget(raw);
  return "flaw" in read ? null : read;
}

/**
 * Reads an origin-form request target, or says why its meaning is open to dispute (400).
 *
 * Refused: another form than "/…"; "//", a backslash, a dot segment or a control, plain or escaped to any depth;
 * a space, "#" or a character outside ASCII; malformed escapes and escapes that are not UTF-8. An escaped slash
 * or question mark inside a segment stays legal (app ids hold them) unless it hides a dot segment or an empty one.
 * What is matched is what travels: nothing is normalised.
 */
export function readTarget(raw: string): Target | TargetFlaw {
  if (raw.charCodeAt(0) !== SLASH) return { flaw: 'it does not begin with "/"' };
  let queryAt = -1;
  let escaped = false;
  for (let i = 0; i < raw.length; i += 1) {
    const code = raw.charCodeAt(i);
    if (code <= SPACE || code >= DELETE || code === HASH)
      return { flaw: "it holds a space, a control, a # or no ASCII" };
    if (queryAt !== -1) continue;
    if (code === QUESTION) queryAt = i;
    else if (code === PERCENT) escaped = true;
  }
  const path = queryAt === -1 ? raw : raw.slice(0, queryAt);
  const flaw = flawOf(path) ?? (escaped ? flawInside(path) : null);
  if (flaw !== null) return { flaw };
  return { path, query: queryAt === -1 ? "" : raw.slice(queryAt) };
}

/** What is wrong with a path, read as it stands: an empty segment that is not the last, a dot segment, a backslash. */
function flawOf(path: string): string | null {
  let start = 1;
  for (let i = 1; i <= path.length; i += 1) {
    const code = i === path.length ? SLASH : path.charCodeAt(i);
    if (code === BACKSLASH) return "a backslash is in the path";
    if (code !== SLASH) continue;
    if (i === start && i !== path.length) return "an empty segment, //, is in the path";
    if (isDotSegment(path, start, i)) return "a segment of dots, or of parameters alone, is in the path";
    start = i + 1;
  }
  return null;
}

/** Whether `text[start, end)` is "." or "..", or would be once its ";parameters" are taken off, or is only these. */
function isDotSegment(text: string, start: number, end: number): boolean {
  let i = start;
  while (i < end && i < start + 3 && text.charCodeAt(i) === DOT) i += 1;
  if (i < end) return i < start + 3 && text.charCodeAt(i) === SEMICOLON;
  return i > start && i <= start + 2;
}

/** What a path hides that shows once its escapes are undone, once or several times. */
function flawInside(path: string): string | null {
  let current = decodeStrictly(path);
  for (let round = 1; current !== null; round += 1) {
    if (hasControl(current)) return "an escaped control is in the path";
    const flaw = flawOf(current);
    if (flaw !== null) return `once its escapes are undone, ${flaw}`;
    if (endsInNewSlash(path, current)) return "an escaped slash is at the end of the path";
    const next = current.includes("%") ? decodeLeniently(current) : current;
    if (next === current) return null;
    if (round === DECODINGS) return "escapes are in escapes, too deep";
    current = next;
  }
  return "an escape is malformed, or not UTF-8";
}

/** Whether decoding has put a slash at the end, which makes an empty segment out of the rest of an id. */
function endsInNewSlash(path: string, decoded: string): boolean {
  return decoded.charCodeAt(decoded.length - 1) === SLASH && path.charCodeAt(path.length - 1) !== SLASH;
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < SPACE || code === DELETE) return true;
  }
  return false;
}

/** Decodes once; null where an escape is malformed, overlong or otherwise not UTF-8. */
function decodeStrictly(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/**
 * Decodes again what is left after the first decoding, where "%" may simply be a per cent sign.
 * Escapes of ASCII are read one by one; null where bytes above it are not UTF-8.
 */
function decodeLeniently(text: string): string | null {
  const strict = decodeStrictly(text);
  if (strict !== null) return strict;
  let out = "";
  for (let i = 0; i < text.length; i += 1) {
    const byte = escapedByte(text, i);
    if (byte >= 0x80) return null;
    if (byte === -1) {
      out += text[i] as string;
    } else {
      out += String.fromCharCode(byte);
      i += 2;
    }
  }
  return out;
}

/** The byte that the escape at `at` stands for, or -1 where there is none. */
function escapedByte(text: string, at: number): number {
  if (text.charCodeAt(at) !== PERCENT) return -1;
  const high = hexDigit(text.charCodeAt(at + 1));
  const low = hexDigit(text.charCodeAt(at + 2));
  return high === -1 || low === -1 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Takes the mount's prefix ("" or "/qlik") off a path; null where the path is not below it. */
export function stripPrefix(path: string, prefix: string): string | null {
  if (!path.startsWith(prefix)) return null;
  if (path.length === prefix.length) return "/";
  return path.charCodeAt(prefix.length) === SLASH ? path.slice(prefix.length) : null;
}

/**
 * Takes parameters out of a query ("" or "?…") whose decoded names are listed; every other byte stays as it is:
 * order, empty parts, a trailing "&".
 */
export function removeQueryParameters(query: string, names: Pick<ReadonlySet<string>, "has">): string {
  if (query.length < 2) return query;
  let kept = "";
  let any = false;
  let removed = false;
  for (let start = 1; start <= query.length;) {
    const ampersand = query.indexOf("&", start);
    const end = ampersand === -1 ? query.length : ampersand;
    if (names.has(parameterName(query, start, end))) {
      removed = true;
    } else {
      kept += (any ? "&" : "?") + query.slice(start, end);
      any = true;
    }
    start = end + 1;
  }
  return removed ? kept : query;
}

/** The name of the parameter at `query[start, end)`, as a server would decode it. */
function parameterName(query: string, start: number, end: number): string {
  const equals = query.indexOf("=", start);
  const name = query.slice(start, equals === -1 || equals > end ? end : equals);
  if (!name.includes("%") && !name.includes("+")) return name;
  const spaced = name.replaceAll("+", " ");
  return decodeLeniently(spaced) ?? spaced;
}

/** Appends a parameter after the client's own, escaped as a query needs it. */
export function appendQueryParameter(query: string, name: string, value: string): string {
  const joint = query === "" ? "?" : query === "?" || query.endsWith("&") ? "" : "&";
  return `${query}${joint}${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
}

/** Appends parameters, names and values in turn, after the client's own. */
export function appendParameters(query: string, parameters: readonly string[]): string {
  let appended = query;
  for (let at = 0; at + 1 < parameters.length; at += 2) {
    appended = appendQueryParameter(appended, parameters[at] ?? "", parameters[at + 1] ?? "");
  }
  return appended;
}
