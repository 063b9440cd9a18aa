// Servers differ in how they read what is not quite HTTP. A request is smuggled if any of them would find it, so the
// bytes that reach the upstream are read in several lenient ways.
import { valuesOf, type Headers } from "./headers.ts";

/** One way to read the bytes of a connection. */
export interface Reading {
  readonly name: string;
  /** Which framing counts where a request has more than one. */
  readonly prefers: "chunks" | "first length" | "last length";
  /** What ends a line of a head. */
  readonly lineEnd: RegExp;
  /** What ends a head. */
  readonly headEnd: RegExp;
}

const anyNewline = { lineEnd: /\r?\n/, headEnd: /\r?\n\r?\n/ };

/** The reading that the upstream acts on: the most forgiving one that real servers have. */
export const primary: Reading = { name: "chunks first", prefers: "chunks", ...anyNewline };

/** All readings. */
export const readings: readonly Reading[] = [
  primary,
  { name: "first length first", prefers: "first length", ...anyNewline },
  { name: "last length first", prefers: "last length", ...anyNewline },
  {
    name: "a bare CR ends a line",
    prefers: "chunks",
    lineEnd: /\r\n?|\n/,
    // The look-ahead keeps one CR LF from counting as two ends.
    headEnd: /(?:\r\n|\r(?!\n)|\n){2}/,
  },
];

/** How the end of a body is told. */
export type Framing =
  | { readonly kind: "none" | "chunks" }
  | { readonly kind: "length"; readonly length: number };

/** The head of a request as a reading takes it. */
export interface ReadHead {
  readonly line: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Headers;
  readonly framing: Framing;
}

/** Reads the first head in the bytes, with the number of characters it takes; null while there is no whole one. */
export function readHead(
  text: string,
  reading: Reading,
): { readonly head: ReadHead; readonly size: number } | null {
  const blank = /^[\r\n]*/.exec(text)?.[0].length ?? 0;
  const rest = text.slice(blank);
  const end = reading.headEnd.exec(rest);
  if (end === null) return null;
  const [line = "", ...lines] = rest.slice(0, end.index).split(reading.lineEnd);
  const headers = headersOf(lines);
  const [method = "", target = ""] = line.trim().split(/[ \t]+/);
  const head = { line, method, target, headers, framing: framingOf(headers, reading) };
  return { head, size: blank + end.index + end[0].length };
}

/** Header lines, a folded one joined to the one before it. */
function headersOf(lines: readonly string[]): Headers {
  const headers: [string, string][] = [];
  for (const line of lines) {
    const last = headers.at(-1);
    const colon = line.indexOf(":");
    if (last !== undefined && /^[ \t]/.test(line)) last[1] = `${last[1]} ${line.trim()}`.trim();
    else if (colon > 0) headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
  }
  return headers;
}

function framingOf(headers: Headers, { prefers }: Reading): Framing {
  const chunked = valuesOf(headers, "transfer-encoding").some((value) => /chunked/i.test(value));
  const lengths = valuesOf(headers, "content-length").flatMap((value) => value.split(","));
  const wanted = prefers === "last length" ? lengths.at(-1) : lengths[0];
  const length = wanted === undefined ? Number.NaN : Number.parseInt(wanted, 10);
  const hasLength = Number.isFinite(length) && length >= 0;
  if (chunked && (prefers === "chunks" || !hasLength)) return { kind: "chunks" };
  return hasLength ? { kind: "length", length } : { kind: "none" };
}

/** Reads a body, with the number of characters it takes; null while it is not whole. */
export function readBody(
  text: string,
  framing: Framing,
): { readonly body: string; readonly size: number } | null {
  if (framing.kind === "none") return { body: "", size: 0 };
  if (framing.kind === "length") {
    const { length } = framing;
    return text.length < length ? null : { body: text.slice(0, length), size: length };
  }
  return readChunks(text);
}

/** Chunks, with whatever follows a size on its line ignored. A size that is none ends the body there. */
function readChunks(text: string): { readonly body: string; readonly size: number } | null {
  let body = "";
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf("\n", at);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    at = lineEnd + 1;
    if (!(size >= 0)) return { body, size: at };
    if (size === 0) return readTrailers(text, at, body);
    if (text.length < at + size) return null;
    body += text.slice(at, at + size);
    at += size;
    const after = /^\r?\n/.exec(text.slice(at, at + 2));
    if (after === null && text.length < at + 2) return null;
    at += after?.[0].length ?? 0;
  }
}

function readTrailers(
  text: string,
  from: number,
  body: string,
): { readonly body: string; readonly size: number } | null {
  let at = from;
  for (;;) {
    const lineEnd = text.indexOf("\n", at);
    if (lineEnd === -1) return null;
    const isBlank = text.slice(at, lineEnd).trim() === "";
    at = lineEnd + 1;
    if (isBlank) return { body, size: at };
  }
}

/** Every request that a reading finds in the bytes; one whose body is not whole is the last. */
export function readAll(text: string, reading: Reading): ReadHead[] {
  const found: ReadHead[] = [];
  let rest = text;
  for (;;) {
    const read = readHead(rest, reading);
    if (read === null) return found;
    found.push(read.head);
    rest = rest.slice(read.size);
    const body = readBody(rest, read.head.framing);
    if (body === null) return found;
    rest = rest.slice(body.size);
  }
}
