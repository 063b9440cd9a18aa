/** An answer as it came over the wire. */
export interface ReadAnswer {
  readonly status: number;
  /** Lower-case names with their values. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** False where the connection ended in the middle of it, or where it still comes. */
  readonly complete: boolean;
}

/** What can be read out of the bytes of one connection. */
export interface Reading {
  readonly answers: readonly ReadAnswer[];
  /** Everything after a 101; null where there was none. */
  readonly socket: string | null;
  /** Why the bytes are no sequence of answers; null where they are. */
  readonly problem: string | null;
}

/** Reads answers strictly: every byte must belong to one. `asked` is what was sent, which may hold a HEAD. */
export function readAnswers(received: string, asked: string, isClosed: boolean): Reading {
  const answers: ReadAnswer[] = [];
  const mayBeHead = asked.includes("HEAD");
  let rest = received;
  while (rest !== "") {
    const read = readOne(rest, { mayBeHead, isClosed });
    if (typeof read === "string") return { answers, socket: null, problem: read };
    if (read === null) return { answers, socket: null, problem: null };
    if (read.answer.status === 101)
      return { answers: [...answers, read.answer], socket: rest.slice(read.length), problem: null };
    answers.push(read.answer);
    rest = rest.slice(read.length);
  }
  return { answers, socket: null, problem: null };
}

interface Circumstances {
  readonly mayBeHead: boolean;
  readonly isClosed: boolean;
}

/** The first answer, null where its head has not all come, or what is wrong with it. */
function readOne(
  from: string,
  about: Circumstances,
): { readonly answer: ReadAnswer; readonly length: number } | string | null {
  const end = from.indexOf("\r\n\r\n");
  if (end === -1)
    return "HTTP/1.1 ".startsWith(from.slice(0, 9))
      ? null
      : `it begins with ${JSON.stringify(from.slice(0, 40))}`;
  const [line = "", ...lines] = from.slice(0, end).split("\r\n");
  const [, code = ""] = /^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/.exec(line) ?? [];
  if (code === "") return `the status line ${JSON.stringify(line.slice(0, 80))}`;
  const headers: [string, string][] = [];
  for (const text of lines) {
    const [, name, value] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\t\x20-\x7e\x80-\xff]*)$/.exec(text) ?? [];
    if (name === undefined || value === undefined)
      return `the header line ${JSON.stringify(text.slice(0, 80))}`;
    headers.push([name.toLowerCase(), value.trim()]);
  }
  const body = readBody(from.slice(end + 4), Number(code), headers, about);
  if (typeof body === "string") return body;
  const { text, length, complete } = body;
  return { answer: { status: Number(code), headers, body: text, complete }, length: end + 4 + length };
}

interface Body {
  readonly text: string;
  readonly length: number;
  readonly complete: boolean;
}

function readBody(
  rest: string,
  status: number,
  headers: readonly (readonly [string, string])[],
  { mayBeHead, isClosed }: Circumstances,
): Body | string {
  const all = (name: string): string[] => headers.flatMap(([each, value]) => (each === name ? [value] : []));
  const [length, coding] = [all("content-length"), all("transfer-encoding")];
  const none = { text: "", length: 0, complete: true };
  if (length.length + coding.length > 1) return "framing given twice";
  if (status < 200 || status === 204 || status === 304) return none;
  // What answers a HEAD has the framing of a body and none.
  if (mayBeHead && (rest === "" || rest.startsWith("HTTP/1.1 "))) return none;
  if (coding.length > 0)
    return coding[0] === "chunked" ? readChunks(rest) : `the coding ${String(coding[0])}`;
  if (length.length === 0) return { text: rest, length: rest.length, complete: isClosed };
  if (!/^\d+$/.test(length[0] ?? "")) return `the length ${String(length[0])}`;
  const size = Number(length[0]);
  return { text: rest.slice(0, size), length: Math.min(size, rest.length), complete: rest.length >= size };
}

function readChunks(rest: string): Body | string {
  let text = "";
  for (let at = 0; ;) {
    const feed = rest.indexOf("\r\n", at);
    if (feed === -1) return { text, length: rest.length, complete: false };
    const size = rest.slice(at, feed);
    if (!/^[0-9a-f]{1,8}$/i.test(size)) return `the chunk size ${JSON.stringify(size.slice(0, 20))}`;
    const stop = feed + 2 + Number.parseInt(size, 16);
    if (rest.length < stop + 2) return { text, length: rest.length, complete: false };
    if (rest.slice(stop, stop + 2) !== "\r\n") return "a chunk without its end";
    if (stop === feed + 2) return { text, length: stop + 2, complete: true };
    text += rest.slice(feed + 2, stop);
    at = stop + 2;
  }
}
