import { parseFieldLine } from "./field-line.ts";
import { mostHeaders } from "./limits.ts";
import { WireError } from "./wire-error.ts";

/** The head of an answer. */
export interface ResponseHead {
  readonly status: number;
  /** Whether the peer speaks HTTP/1.0, and so knows neither chunks nor connections that are kept. */
  readonly isOld: boolean;
  /** Names and values in turn, as they came. */
  readonly headers: string[];
}

/** Without a reason the space before it is often missing; nobody takes that for anything else. @see RFC 9112 §4 */
const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;

/** Reads the text before the empty line, one character a byte. @throws WireError */
export function parseResponseHead(text: string): ResponseHead {
  const lines = text.split("\r\n");
  const [, minor, status] = statusLine.exec(lines[0] as string) ?? [];
  if (status === undefined) throw new WireError("HTTP1_HEAD", "the status line is none of HTTP/1.1");
  if (lines.length - 1 > mostHeaders) {
    throw new WireError("HTTP1_HEAD_TOO_LARGE", "the answer has too many headers");
  }
  const headers: string[] = [];
  for (let i = 1; i < lines.length; i += 1) {
    const field = parseFieldLine(lines[i] as string);
    if (field === null) throw new WireError("HTTP1_HEAD", "a line of the head is no header");
    headers.push(field[0], field[1]);
  }
  return { status: Number(status), isOld: minor === "0", headers };
}
