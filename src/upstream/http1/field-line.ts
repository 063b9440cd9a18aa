/**
 * Reads the header line between two places of a text whose lines are known to be header lines, and appends name and value.
 */
export function readFieldLine(text: string, start: number, end: number, headers: string[]): void {
  const colon = text.indexOf(":", start);
  headers.push(text.slice(start, colon), trimmed(text, colon + 1, end));
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
