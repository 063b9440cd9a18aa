import { valueOf, valuesOf, type Headers } from "./headers.ts";

/** An answer as a client reads it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Status line and headers as they came. */
  readonly head: string;
  /** One character a byte. */
  readonly body: string;
  /** Trailers, as they came. */
  readonly trailers: string;
  /** Whether it has come to its end as its framing tells it; one without framing ends with the connection. */
  readonly complete: boolean;
  /** Answers before the final one, 1xx. */
  readonly early: readonly Answer[];
}

/** The value of a header of an answer. */
export const headerOf = (answer: Answer, name: string): string | undefined => valueOf(answer.headers, name);

interface Read {
  readonly answer: Answer;
  readonly size: number;
}

/**
 * Reads the answers to requests of the given methods, in order. The last one may be incomplete. What a client does not
 * take for an answer is left as `rest`.
 */
export function readAnswers(
  text: string,
  methods: readonly string[],
  closed: boolean,
): { readonly answers: readonly Answer[]; readonly rest: string } {
  const answers: Answer[] = [];
  let rest = text;
  for (const method of methods) {
    const read = readAnswer(rest, method, closed);
    if (read === null) break;
    answers.push(read.answer);
    rest = rest.slice(read.size);
    if (!read.answer.complete || read.answer.status === 101) break;
  }
  return { answers, rest };
}

function readAnswer(text: string, method: string, closed: boolean): Read | null {
  const early: Answer[] = [];
  let at = 0;
  for (;;) {
    const head = readHead(text.slice(at));
    if (head === null) return null;
    at += head.head.length;
    if (head.status >= 200 || head.status === 101 || head.status < 100) {
      const body = readBody(text.slice(at), { method, closed, ...head });
      return { answer: { ...head, ...body, early }, size: at + body.size };
    }
    early.push({ ...head, body: "", trailers: "", complete: true, early: [] });
  }
}

function readHead(
  text: string,
): { readonly status: number; readonly headers: Headers; readonly head: string } | null {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return null;
  const [line = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = lines.map((each): [string, string] => {
    const colon = each.indexOf(":");
    return [each.slice(0, colon), each.slice(colon + 1).trim()];
  });
  return {
    status: Number(/^HTTP\/\d\.\d (\d{3})/.exec(line)?.[1] ?? 0),
    headers,
    head: text.slice(0, end + 4),
  };
}

interface Body {
  readonly body: string;
  readonly trailers: string;
  readonly complete: boolean;
  readonly size: number;
}

const bodyOf = (body: string, complete: boolean): Body => ({
  body,
  trailers: "",
  complete,
  size: body.length,
});

function readBody(
  text: string,
  about: {
    readonly status: number;
    readonly headers: Headers;
    readonly method: string;
    readonly closed: boolean;
  },
): Body {
  const { status, headers, method, closed } = about;
  if (method === "HEAD" || status === 204 || status === 304 || status === 101) return bodyOf("", true);
  if (valuesOf(headers, "transfer-encoding").some((value) => /chunked/i.test(value))) return readChunks(text);
  const length = valueOf(headers, "content-length");
  if (length === undefined) return bodyOf(text, closed);
  return bodyOf(text.slice(0, Number(length)), text.length >= Number(length));
}

function readChunks(text: string): Body {
  let body = "";
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    const size = lineEnd === -1 ? Number.NaN : Number.parseInt(text.slice(at, lineEnd), 16);
    if (Number.isNaN(size)) return { body, trailers: "", complete: false, size: text.length };
    if (size === 0) {
      const end = text.indexOf("\r\n\r\n", lineEnd);
      const complete = end !== -1;
      const trailers = complete ? text.slice(lineEnd + 2, end + 2) : "";
      return { body, trailers, complete, size: complete ? end + 4 : text.length };
    }
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
    if (text.length < at) return { body, trailers: "", complete: false, size: text.length };
  }
}
