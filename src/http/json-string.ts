/** The string goes on, no character is complete yet. */
export const STRING_PENDING = -1;
/** The closing quote. */
export const STRING_ENDED = -2;
/** The byte cannot stand here. */
export const STRING_BROKEN = -3;

/** Stands for every byte above ASCII: no name or origin that is looked for holds one. */
const FOREIGN = 0xfffd;

/** Escapes of one letter. @see RFC 8259 §7 */
const shortEscapes: ReadonlyMap<number, number> = new Map([
  [0x22, 0x22],
  [0x2f, 0x2f],
  [0x5c, 0x5c],
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/** Reads the inside of one JSON string byte by byte, escapes decoded, whatever the chunks. */
export class JsonStringReader {
  /** 0 outside an escape, 1 after the backslash, 2 to 5 before each digit of a unicode escape. */
  #position = 0;
  #unit = 0;

  /** Whether an escape is open. */
  get escaping(): boolean {
    return this.#position !== 0;
  }

  /** Takes one byte: the code of the character it completes, or one of the constants above. */
  read(byte: number): number {
    if (this.#position === 0) return this.#readPlain(byte);
    if (this.#position === 1) return this.#readEscape(byte);
    const digit = hexDigit(byte);
    if (digit === -1) return STRING_BROKEN;
    this.#unit = this.#unit * 16 + digit;
    this.#position = this.#position === 5 ? 0 : this.#position + 1;
    return this.#position === 0 ? this.#unit : STRING_PENDING;
  }

  #readPlain(byte: number): number {
    if (byte === 0x22) return STRING_ENDED;
    if (byte === 0x5c) {
      this.#position = 1;
      return STRING_PENDING;
    }
    if (byte < 0x20) return STRING_BROKEN;
    return byte < 0x80 ? byte : FOREIGN;
  }

  #readEscape(byte: number): number {
    if (byte === 0x75) {
      this.#position = 2;
      this.#unit = 0;
      return STRING_PENDING;
    }
    this.#position = 0;
    return shortEscapes.get(byte) ?? STRING_BROKEN;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
