/** What comes of one more byte of a JSON number. */
export const NUMBER_ENDED = 0;
/** The byte cannot stand here. */
export const NUMBER_BROKEN = -1;

const MINUS = 1;
const ZERO = 2;
const INTEGER = 3;
const POINT = 4;
const FRACTION = 5;
const MARK = 6;
const SIGN = 7;
const EXPONENT = 8;

/** Begins a number with its first byte; `NUMBER_BROKEN` if no number begins so. @see RFC 8259 §6 */
export function beginNumber(byte: number): number {
  return byte === 0x2d ? MINUS : afterMinus(byte);
}

/** Goes on by one byte: the next state, or `NUMBER_ENDED` (the byte is no part of it), or `NUMBER_BROKEN`. */
export function continueNumber(state: number, byte: number): number {
  const digit = isDigit(byte);
  switch (state) {
    case MINUS:
      return afterMinus(byte);
    case ZERO:
      return digit ? NUMBER_BROKEN : afterInteger(byte);
    case INTEGER:
      return digit ? INTEGER : afterInteger(byte);
    case POINT:
      return digit ? FRACTION : NUMBER_BROKEN;
    case FRACTION:
      return digit ? FRACTION : isMark(byte) ? MARK : NUMBER_ENDED;
    case MARK:
      if (byte === 0x2b || byte === 0x2d) return SIGN;
      return digit ? EXPONENT : NUMBER_BROKEN;
    case SIGN:
      return digit ? EXPONENT : NUMBER_BROKEN;
    default:
      return digit ? EXPONENT : NUMBER_ENDED;
  }
}

function afterMinus(byte: number): number {
  return byte === 0x30 ? ZERO : isDigit(byte) ? INTEGER : NUMBER_BROKEN;
}

function afterInteger(byte: number): number {
  return byte === 0x2e ? POINT : isMark(byte) ? MARK : NUMBER_ENDED;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isMark(byte: number): boolean {
  return (byte | 0x20) === 0x65;
}
