import { WireError, type WireErrorCode } from "./wire-error.ts";

const LF = 0x0a;

/** Collects the bytes of a line that ends in CR and LF. */
export class LineReader {
  readonly #code: WireErrorCode;
  #held = "";
  /** The line without its end, once it is whole. */
  line: string | null = null;

  /** `code` is what a line is refused with that is too long or ends in LF alone. */
  constructor(code: WireErrorCode) {
    this.#code = code;
  }

  /** Reads on, up to `limit` bytes in all; returns where it stopped. @throws WireError */
  read(bytes: Buffer, at: number, limit: number): number {
    this.line = null;
    const feed = bytes.indexOf(LF, at);
    const end = feed === -1 ? bytes.length : feed + 1;
    if (this.#held.length + end - at > limit) throw new WireError(this.#code, "a line is too long");
    this.#held += bytes.toString("latin1", at, end);
    if (feed === -1) return end;
    if (!this.#held.endsWith("\r\n")) throw new WireError(this.#code, "a line ends in LF alone");
    this.line = this.#held.slice(0, -2);
    this.#held = "";
    return end;
  }
}
