/** A control frame's payload is at most 125 bytes, two of which are the code. @see RFC 6455 §5.5.1 */
const LONGEST_REASON = 123;

/**
 * Encodes a Close frame; masked where `mask` (4 bytes) is given, as clients must.
 * A reason over 123 bytes is cut where a character ends.
 */
export function encodeClose(code: number, reason: string, mask?: Buffer): Buffer {
  const text = cutToBytes(Buffer.from(reason), LONGEST_REASON);
  const headLength = mask === undefined ? 2 : 6;
  const frame = Buffer.alloc(headLength + 2 + text.length);
  frame[0] = 0x88;
  frame[1] = (2 + text.length) | (mask === undefined ? 0 : 0x80);
  frame.writeUInt16BE(code, headLength);
  text.copy(frame, headLength + 2);
  if (mask !== undefined) {
    mask.copy(frame, 2, 0, 4);
    for (let i = headLength; i < frame.length; i += 1) {
      frame[i] = (frame[i] as number) ^ (mask[(i - headLength) & 3] as number);
    }
  }
  return frame;
}

/** The longest beginning of at most `most` bytes that cuts no UTF-8 character in two. */
function cutToBytes(text: Buffer, most: number): Buffer {
  if (text.length <= most) return text;
  let end = most;
  while (end > 0 && ((text[end] as number) & 0xc0) === 0x80) end -= 1;
  return text.subarray(0, end);
}
