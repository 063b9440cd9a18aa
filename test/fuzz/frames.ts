import type { Random } from "../simulation/random.ts";

/** A frame of a WebSocket. @see RFC 6455 §5.2 */
export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Puts a payload into a frame. */
export function encodeFrame(opcode: number, payload: Buffer, mask: Buffer | null): Buffer {
  const { length } = payload;
  const size = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + size);
  head[0] = 0x80 | opcode;
  head[1] = (mask ? 0x80 : 0) | (size === 0 ? length : size === 2 ? 126 : 127);
  if (size === 2) head.writeUInt16BE(length, 2);
  if (size === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return mask ? Buffer.concat([head, mask, applyMask(payload, mask)]) : Buffer.concat([head, payload]);
}

/** The first whole frame, and how long it is; null where there is none yet. */
export function decodeFrame(from: Buffer): { readonly frame: Frame; readonly length: number } | null {
  if (from.length < 2) return null;
  const [first = 0, second = 0] = from;
  const short = second & 0x7f;
  const size = short === 126 ? 2 : short === 127 ? 8 : 0;
  const masked = (second & 0x80) !== 0;
  const start = 2 + size + (masked ? 4 : 0);
  if (from.length < start) return null;
  const length = size === 0 ? short : size === 2 ? from.readUInt16BE(2) : Number(from.readBigUInt64BE(2));
  if (from.length < start + length) return null;
  const payload = from.subarray(start, start + length);
  const opened = masked ? applyMask(payload, from.subarray(start - 4, start)) : payload;
  return { frame: { opcode: first & 0x0f, payload: opened }, length: start + length };
}

function applyMask(payload: Buffer, mask: Buffer): Buffer {
  const copy = Buffer.from(payload);
  for (let at = 0; at < copy.length; at += 1) copy[at] = (copy[at] ?? 0) ^ (mask[at % 4] ?? 0);
  return copy;
}

const lengths = [0, 1, 5, 40, 124, 125, 126, 127, 300, 4000, 65_535, 65_536] as const;

/** A frame as one side sends them: mostly sound, now and then of a kind that must not be. */
export function anyFrame(random: Random, isMasked: boolean): Buffer {
  const opcode = random.pick([1, 1, 2, 2, 9, 10, 0, 8, 3, 11]);
  const most = random.chance(0.9) ? 8 : lengths.length;
  const length = lengths[random.below(opcode >= 8 ? 6 : most)] ?? 0;
  const payload = opcode === 8 ? closePayload(random) : Buffer.alloc(length, 0x61 + random.below(26));
  const mask = Buffer.from([1, 2, 3, random.below(256)]);
  const frame = encodeFrame(opcode, payload, isMasked !== random.chance(0.03) ? mask : null);
  if (random.chance(0.1)) frame[0] = ((frame[0] ?? 0) & 0x0f) | (random.below(16) << 4);
  return frame;
}

function closePayload(random: Random): Buffer {
  const code = random.pick([1000, 1001, 1005, 1006, 4003, 4203, 4205, 4206, 0, 65_535]);
  const whole = Buffer.alloc(2 + random.below(20), 0x20);
  whole.writeUInt16BE(code);
  return whole.subarray(0, random.chance(0.8) ? whole.length : random.below(2));
}
