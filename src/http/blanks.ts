/**
 * The text between two places, without spaces and tabs at its ends: all that HTTP and browsers take off. `trim` knows more
 * white space, which is part of a value on the wire, or of an attack.
 */
export function withoutBlanks(text: string, from: number = 0, to: number = text.length): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;
