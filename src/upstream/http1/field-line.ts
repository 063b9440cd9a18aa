import { readHeaderName } from "../../http/header-name.ts";
import { isHeaderValue } from "../../http/raw-headers.ts";

/**
 * Reads the header line between two places of a text, without its line break, and appends name and value; false where it is
 * none.
 *
 * A line that goes on with the one before begins with a space, and a space before the colon would belong to the name:
 * both are no names. @see RFC 9112 §5.1, §5.2
 */
export function parseFieldLine(text: string, start: number, end: number, headers: string[]): boolean {
  const colon = text.indexOf(":", start);
  if (colon === -1 || colon >= end) return false;
  const name = text.slice(start, colon);
  const value = trimmed(text, colon + 1, end);
  if (!readHeaderName(name).isToken || !isHeaderValue(value)) return false;
  headers.push(name, value);
  return true;
}

/** What stands between spaces and tabs; other white space is part of a value, or of an attack. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;
