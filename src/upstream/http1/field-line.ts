import { isHeaderName, isHeaderValue } from "../../http/raw-headers.ts";

/**
 * Reads one header line, without its line break; null where it is none.
 *
 * A line that goes on with the one before begins with a space, and a space before the colon would belong to the name:
 * both are no names. @see RFC 9112 §5.1, §5.2
 */
export function parseFieldLine(line: string): readonly [name: string, value: string] | null {
  const colon = line.indexOf(":");
  if (colon === -1) return null;
  const name = line.slice(0, colon);
  const value = trimmed(line, colon + 1);
  return isHeaderName(name) && isHeaderValue(value) ? [name, value] : null;
}

/** What stands between spaces and tabs; other white space is part of a value, or of an attack. */
function trimmed(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start += 1;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end -= 1;
  return line.slice(start, end);
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;
