/** Headers as they stand on the wire: name, value, name, value … in order, as node's `rawHeaders`. */
export type RawHeaders = readonly string[];

/** Finds every value of a header, in order; `lowerName` is in lower case. */
export function headerValues(raw: RawHeaders, lowerName: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (isNamed(raw[i] as string, lowerName)) values.push(raw[i + 1] as string);
  }
  return values;
}

/** Finds the first value of a header; `lowerName` is in lower case. */
export function firstHeader(raw: RawHeaders, lowerName: string): string | undefined {
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (isNamed(raw[i] as string, lowerName)) return raw[i + 1];
  }
  return undefined;
}

/** Gives headers one by one, in order. */
export function headerPairs(raw: RawHeaders): (readonly [name: string, value: string])[] {
  const pairs: (readonly [string, string])[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) pairs.push([raw[i] as string, raw[i + 1] as string]);
  return pairs;
}

/** The length is compared first: most names of a request differ in it, and no lower-case copy is made for them. */
function isNamed(name: string, lowerName: string): boolean {
  return name.length === lowerName.length && (name === lowerName || name.toLowerCase() === lowerName);
}

/** Characters of a token. @see RFC 9110 §5.6.2 */
const tokenCharacters: Uint8Array = (() => {
  const table = new Uint8Array(128);
  for (const character of "!#$%&'*+-.^_`|~0123456789") table[character.charCodeAt(0)] = 1;
  for (let code = 0x41; code <= 0x5a; code += 1) {
    table[code] = 1;
    table[code + 0x20] = 1;
  }
  return table;
})();

/** Tells whether a text is a header name: a token of one character or more. */
export function isHeaderName(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    if (tokenCharacters[text.charCodeAt(i)] !== 1) return false;
  }
  return text.length > 0;
}

/** What cannot: controls but the tab, and what has no byte of its own. */
const unwritable = /[^\t\x20-\x7e\x80-\xff]/;

/** Tells whether a text can travel as a header value. Earned by: bench 200B, beside a loop over its characters. */
export const isHeaderValue = (text: string): boolean => !unwritable.test(text);

/** Header lines, each behind a line break, without a space before the colon and with nothing but a value behind it. */
const headerLines = /^(?:\r\n[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*)*$/;

/** Tells whether a text is nothing but header lines. Earned by: bench 200B, beside a look at each name and value. */
export const areHeaderLines = (text: string): boolean => headerLines.test(text);

/** Turns header bytes into text, one character a byte, so that nothing is lost on the way back. */
export function decodeRawHeaders(buffers: readonly Buffer[]): string[] {
  const raw: string[] = Array.from({ length: buffers.length });
  for (let i = 0; i < buffers.length; i += 1) raw[i] = (buffers[i] as Buffer).toString("latin1");
  return raw;
}
