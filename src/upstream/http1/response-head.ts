import { areHeaderLines } from "../../http/raw-headers.ts";
import { readFieldLine } from "./field-line.ts";
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

const lineBreak = "\r\n";

/**
 * Reads the text before the empty line, one character a byte.
 *
 * A line that goes on with the one before begins with a space, and a space before the colon would belong to the name:
 * both are no header lines. @see RFC 9112 §5.1, §5.2
 *
 * @throws WireError
 */
export function parseResponseHead(text: string): ResponseHead {
  let end = endOfLine(text, 0);
  const [, minor, status] = statusLine.exec(text.slice(0, end)) ?? [];
  if (status === undefined) throw new WireError("HTTP1_HEAD", "the status line is none of HTTP/1.1");
  if (!areHeaderLines(text.slice(end))) throw new WireError("HTTP1_HEAD", "a line of the head is no header");
  const headers: string[] = [];
  while (end < text.length) {
    const start = end + lineBreak.length;
    end = endOfLine(text, start);
    if (headers.length === mostHeaders * 2) {
      throw new WireError("HTTP1_HEAD_TOO_LARGE", "the answer has too many headers");
    }
    readFieldLine(text, start, end, headers);
  }
  return { status: Number(status), isOld: minor === "0", headers };
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf(lineBreak, from);
  return end === -1 ? text.length : end;
}
