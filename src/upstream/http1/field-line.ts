import { withoutBlanks } from "../../http/blanks.ts";

/**
 * Reads the header line between two places of a text whose lines are known to be header lines, and appends name and value.
 */
export function readFieldLine(text: string, start: number, end: number, headers: string[]): void {
  const colon = text.indexOf(":", start);
  headers.push(text.slice(start, colon), withoutBlanks(text, colon + 1, end));
}
