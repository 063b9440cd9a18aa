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

/** A header's first two bytes, which say how many follow. @see RFC 6455 §5.2 */
const FIXED = 2;

const CLOSE = 8;

/**
 * Numbers alone, and no copy of the header: two of these are kept for each socket, however long it is idle.
 * Earned by: bench idle-sockets
 */
class HeaderTracker implements FrameTracker {
  closeSeen = false;
  broken = false;
  dataFrames = 0;
  readonly #maskLength: number;
  /** How many bytes of the current header have been read, and the first of them. */
  #read = 0;
  #first = 0;
  /** How long the current header is, as far as is known. */
  #length = FIXED;
  /** Bytes of the current payload that are still to come; in a header, what has been read of their number. */
  #payload = 0;

  constructor(maskLength: number) {
    this.#maskLength = maskLength;
  }

  get atBoundary(): boolean {
    return !this.broken && this.#read === 0 && this.#payload === 0;
  }

  push(chunk: Buffer): void {
    const { length } = chunk;
    let at = 0;
    while (at < length && !this.broken) {
      if (this.#read > 0 || this.#payload === 0) {
        this.#readHeader(chunk[at] as number);
        at += 1;
        continue;
      }
      const passed = Math.min(this.#payload, length - at);
      this.#payload -= passed;
      at += passed;
    }
  }

  nextBoundary(chunk: Buffer): number {
    if (this.broken) return -1;
    if (this.atBoundary) return 0;
    // The header itself may be cut in two: its rest tells how far the payload goes.
    const ahead = this.#copy();
    let at = 0;
    while (ahead.#read > 0) {
      if (at === chunk.length) return -1;
      ahead.#readHeader(chunk[at] as number);
      if (ahead.broken) return -1;
      at += 1;
    }
    const end = at + ahead.#payload;
    return end <= chunk.length ? end : -1;
  }

  #copy(): HeaderTracker {
    const copy = new HeaderTracker(this.#maskLength);
    copy.#read = this.#read;
    copy.#first = this.#first;
    copy.#length = this.#length;
    copy.#payload = this.#payload;
    return copy;
  }

  #readHeader(byte: number): void {
    this.#read += 1;
    if (this.#read === 1) this.#first = byte;
    else if (this.#read === FIXED) this.#readFixed(byte);
    else if (this.#read <= this.#length - this.#maskLength) this.#payload = this.#payload * 0x100 + byte;
    if (this.#read < this.#length || this.broken) return;
    this.#read = 0;
    this.#length = FIXED;
    // RFC 6455 §5.2 forbids bit 63; what cannot be counted exactly, nobody could send.
    this.broken = !Number.isSafeInteger(this.#payload);
  }

  #readFixed(second: number): void {
    this.broken = isMalformed(this.#first, second, this.#maskLength > 0);
    if (this.broken) return;
    const opcode = this.#first & 0x0f;
    if (opcode === CLOSE) this.closeSeen = true;
    else if (opcode < CLOSE) this.dataFrames += 1;
    const short = second & 0x7f;
    if (short < 126) this.#payload = short;
    this.#length = FIXED + (short < 126 ? 0 : short === 126 ? 2 : 8) + this.#maskLength;
  }
}

/**
 * Whether the first two bytes cannot begin a frame: a reserved opcode, a control frame that is fragmented or over
 * 125 bytes, or a mask bit that does not fit the direction. Reserved bits are the extension's business.
 */
function isMalformed(first: number, second: number, masked: boolean): boolean {
  const opcode = first & 0x0f;
  if ((opcode > 2 && opcode < CLOSE) || opcode > 10) return true;
  if (opcode >= CLOSE && ((first & 0x80) === 0 || (second & 0x7f) > 125)) return true;
  return ((second & 0x80) !== 0) !== masked;
}
