/** A frame of a server, whole. */
export interface Frame {
  /** 1 text, 2 binary, 0 more of either, 8 close, 9 ping, 10 pong. @see RFC 6455 §5.2 */
  readonly opcode: number;
  readonly isLast: boolean;
  readonly payload: Buffer;
}

/** Reads the frames of a server one by one, for clients of our own that look at them. */
export interface FrameReader {
  /** Takes the next bytes; gives the frames that are whole now. @throws RangeError for frames that are too long or masked */
  read(chunk: Buffer): readonly Frame[];
}

/** Makes a reader; frames of more than `longest` bytes are refused. */
export function createFrameReader(longest: number): FrameReader {
  let rest: Buffer = Buffer.alloc(0);
  return {
    read(chunk) {
      rest = Buffer.concat([rest, chunk]);
      const frames: Frame[] = [];
      for (;;) {
        const frame = firstFrame(rest, longest);
        if (frame === null) return frames;
        rest = rest.subarray(frame.end);
        frames.push(frame);
      }
    },
  };
}

function firstFrame(bytes: Buffer, longest: number): (Frame & { readonly end: number }) | null {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return null;
  if ((second & 0x80) !== 0) throw new RangeError("a server's frame is masked");
  const short = second & 0x7f;
  const headLength = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < headLength) return null;
  const length = headLength === 2 ? short : headLength === 4 ? bytes.readUInt16BE(2) : longLength(bytes);
  if (length > longest) throw new RangeError("a frame is too long");
  const end = headLength + length;
  if (bytes.length < end) return null;
  const payload = bytes.subarray(headLength, end);
  return { opcode: first & 0x0f, isLast: (first & 0x80) !== 0, payload, end };
}

/** What cannot be counted exactly is too long in any case. */
const longLength = (bytes: Buffer): number => Number(bytes.readBigUInt64BE(2));

/** What a close frame says; 1005 where it says nothing. @see RFC 6455 §7.1.5 */
export function readClose(payload: Buffer): { readonly code: number; readonly reason: string } {
  if (payload.length < 2) return { code: 1005, reason: "" };
  return { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString("utf8") };
}
