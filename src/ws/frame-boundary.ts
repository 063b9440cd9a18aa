/** Follows the frames of one direction of a socket by their headers alone. */
export interface FrameTracker {
  /** Takes the next bytes of the direction. */
  push(chunk: Buffer): void;
  /**
   * The index just after the end of the frame that is under way when `chunk` comes next, or -1 if it does not end
   * in it; 0 if none is under way. Call it before the `push` of that chunk; it changes nothing.
   */
  nextBoundary(chunk: Buffer): number;
  /** Whether all bytes so far make whole frames. */
  readonly atBoundary: boolean;
  /** Whether the header of a Close frame has passed. */
  readonly closeSeen: boolean;
  /** Whether a header could not be one; nothing is tracked from there on, and there is no boundary any more. */
  readonly broken: boolean;
  /** How many frames of data have begun, continuations included. */
  readonly dataFrames: number;
}

/** What a tracker has to know beforehand. */
export interface FrameTrackerOptions {
  /** True for the direction whose frames are masked: browser to tenant. */
  readonly masked: boolean;
}

/** Makes a tracker; the first byte after the 101 is the first byte it must see. */
export function createFrameTracker(options: FrameTrackerOptions): FrameTracker {
  return new HeaderTracker(options.masked ? 4 : 0);
}

/** A header's first two bytes; the longest has eight more for the length and four for the mask. @see RFC 6455 §5.2 */
const FIXED = 2;
const LONGEST_HEADER = 14;

const CLOSE = 8;

class HeaderTracker implements FrameTracker {
  closeSeen = false;
  broken = false;
  dataFrames = 0;
  readonly #maskLength: number;
  readonly #header = Buffer.alloc(LONGEST_HEADER);
  /** How many bytes of the current header have been read. */
  #read = 0;
  /** Bytes of the current payload that are still to come. */
  #payload = 0;

  constructor(maskLength: number) {
    this.#maskLength = maskLength;
  }

  get atBoundary(): boolean {
    return !this.broken && this.#read === 0 && this.#payload === 0;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.broken) {
      if (this.#payload > 0) {
        const passed = Math.min(this.#payload, chunk.length - at);
        this.#payload -= passed;
        at += passed;
        continue;
      }
      this.#header[this.#read] = chunk[at] as number;
      this.#read += 1;
      at += 1;
      if (this.#read === FIXED) this.#checkFixed();
      if (this.#read >= FIXED && this.#read === this.#headerLength()) this.#endHeader();
    }
  }

  nextBoundary(chunk: Buffer): number {
    if (this.broken) return -1;
    if (this.#payload > 0) return this.#payload <= chunk.length ? this.#payload : -1;
    if (this.#read === 0) return 0;
    // The header itself is cut in two: its rest tells how far the payload goes.
    const header = Buffer.from(this.#header);
    let read = this.#read;
    let at = 0;
    while (read < FIXED || read < headerLength(header, this.#maskLength)) {
      if (at === chunk.length) return -1;
      header[read] = chunk[at] as number;
      read += 1;
      at += 1;
      if (read === FIXED && isMalformed(header, this.#maskLength)) return -1;
    }
    const end = at + payloadLength(header);
    return end <= chunk.length ? end : -1;
  }

  #headerLength(): number {
    return headerLength(this.#header, this.#maskLength);
  }

  #checkFixed(): void {
    this.broken = isMalformed(this.#header, this.#maskLength);
    if (this.broken) return;
    const opcode = (this.#header[0] as number) & 0x0f;
    if (opcode === CLOSE) this.closeSeen = true;
    else if (opcode < CLOSE) this.dataFrames += 1;
  }

  #endHeader(): void {
    const length = payloadLength(this.#header);
    this.#read = 0;
    if (Number.isSafeInteger(length)) this.#payload = length;
    else this.broken = true;
  }
}

/**
 * Whether the first two bytes cannot begin a frame: a reserved opcode, a control frame that is fragmented or over
 * 125 bytes, or a mask bit that does not fit the direction. Reserved bits are the extension's business.
 */
function isMalformed(header: Buffer, maskLength: number): boolean {
  const first = header[0] as number;
  const second = header[1] as number;
  const opcode = first & 0x0f;
  if ((opcode > 2 && opcode < CLOSE) || opcode > 10) return true;
  if (opcode >= CLOSE && ((first & 0x80) === 0 || (second & 0x7f) > 125)) return true;
  return ((second & 0x80) !== 0) !== maskLength > 0;
}

function headerLength(header: Buffer, maskLength: number): number {
  const short = (header[1] as number) & 0x7f;
  return FIXED + (short === 126 ? 2 : short === 127 ? 8 : 0) + maskLength;
}

/** In bytes; infinite where bit 63 is set, which RFC 6455 §5.2 forbids; inexact where nobody could send so much. */
function payloadLength(header: Buffer): number {
  const short = (header[1] as number) & 0x7f;
  if (short < 126) return short;
  if (short === 126) return header.readUInt16BE(FIXED);
  const high = header.readUInt32BE(FIXED);
  return high >= 0x8000_0000
    ? Number.POSITIVE_INFINITY
    : high * 0x1_0000_0000 + header.readUInt32BE(FIXED + 4);
}
