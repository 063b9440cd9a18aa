import { headerValues } from "../../http/raw-headers.ts";
import { type BodyReader, EndlessReader, LengthReader } from "./body-reader.ts";
import { ChunkedReader } from "./chunked-reader.ts";
import type { ResponseHead } from "./response-head.ts";
import { WireError } from "./wire-error.ts";

/** Sixteen digits hold every length that can be counted; RFC 9110 §8.6 asks for digits alone. */
const digits = /^\d{1,16}$/;

/** Hint of a server how long it keeps a connection, in seconds. */
const timeoutHint = /(?:^|[,;\s])timeout=(\d{1,6})(?:$|[,;\s])/i;

/** The tenant may close a little earlier than it says, and our request is under way for a while. Milliseconds. */
const hintMargin = 2000;

/**
 * Decides where the body of an answer ends. What could be read in two ways is refused, whatever the method or status: two
 * lengths even where they are equal, a length beside chunks, and any coding but chunks alone. @see RFC 9112 §6.3; attacks M2
 *
 * @throws WireError
 */
export function bodyReaderFor(head: ResponseHead, method: string): BodyReader {
  const lengths = headerValues(head.headers, "content-length");
  const codings = headerValues(head.headers, "transfer-encoding");
  if (lengths.length + codings.length > 1) {
    throw new WireError("HTTP1_FRAMING", "the end of the body is said more than once");
  }
  const [length] = lengths;
  const [coding] = codings;
  if (length !== undefined && !(digits.test(length) && Number.isSafeInteger(Number(length)))) {
    throw new WireError("HTTP1_FRAMING", "the length of the body is none");
  }
  // HTTP/1.0 has no chunks: an answer with them was put together by two who did not know of each other.
  if (coding !== undefined && (coding.toLowerCase() !== "chunked" || head.isOld)) {
    throw new WireError("HTTP1_FRAMING", "the coding of the body is not chunks alone");
  }
  if (hasNoBody(head.status, method)) return new LengthReader(0);
  if (coding !== undefined) return new ChunkedReader();
  return length === undefined ? new EndlessReader() : new LengthReader(Number(length));
}

/** Whether an answer ends with its head, whatever its headers say. */
const hasNoBody = (status: number, method: string): boolean =>
  method === "HEAD" || status === 204 || status === 304;

/** Whether an interim answer says that it has a body, which it cannot. */
export function announcesBody({ headers }: ResponseHead): boolean {
  return (
    headerValues(headers, "content-length").length + headerValues(headers, "transfer-encoding").length > 0
  );
}

/**
 * Tells how long the connection may be kept for another request, in milliseconds and at most `idle`; 0 for not at all.
 *
 * Not where the peer says so or speaks HTTP/1.0, and not where it may send a body although there is none: what is late
 * would be taken for the next answer. A HEAD is asked for with `Connection: close` for the same reason.
 */
export function keptFor(head: ResponseHead, idle: number): number {
  if (head.isOld || closes(head.headers)) return 0;
  if (head.status === 204 && announcesBody(head) && !saysEmpty(head)) return 0;
  if (head.status === 304 && headerValues(head.headers, "transfer-encoding").length > 0) return 0;
  const [hint = ""] = headerValues(head.headers, "keep-alive");
  const seconds = timeoutHint.exec(hint)?.[1];
  if (seconds === undefined) return idle;
  return Math.max(0, Math.min(idle, Number(seconds) * 1000 - hintMargin));
}

const saysEmpty = ({ headers }: ResponseHead): boolean =>
  headerValues(headers, "content-length").every((length) => Number(length) === 0) &&
  headerValues(headers, "transfer-encoding").length === 0;

const closes = (headers: readonly string[]): boolean => {
  const values = headerValues(headers, "connection");
  // What nearly every answer says.
  if (values.length === 0 || (values.length === 1 && values[0] === "keep-alive")) return false;
  return values.some((value) => value.split(",").some((option) => option.trim().toLowerCase() === "close"));
};
