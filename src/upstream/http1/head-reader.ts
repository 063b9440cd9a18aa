import { largestHead } from "./limits.ts";
import { parseResponseHead, type ResponseHead } from "./response-head.ts";
import { WireError } from "./wire-error.ts";

const emptyLine = "\r\n\r\n";

const begin = "HTTP/1.";

const nothing: Buffer = Buffer.alloc(0);

/** Collects the bytes of a head until it is whole. */
export class HeadReader {
  #held: Buffer = nothing;

  /** The head, and where the bytes behind it begin; null while it is not whole. @throws WireError */
  read(bytes: Buffer, at: number): { readonly head: ResponseHead; readonly next: number } | null {
    const held = this.#held.length;
    const all = held === 0 ? bytes.subarray(at) : Buffer.concat([this.#held, bytes.subarray(at)]);
    const end = all.indexOf(emptyLine, Math.max(0, held - emptyLine.length + 1), "latin1");
    if ((end === -1 ? all.length : end + emptyLine.length) > largestHead) {
      throw new WireError("HTTP1_HEAD_TOO_LARGE", "the head of the answer is too large");
    }
    if (end === -1) {
      assertBegin(all);
      this.#held = all;
      return null;
    }
    this.#held = nothing;
    return {
      head: parseResponseHead(all.toString("latin1", 0, end)),
      next: at + end + emptyLine.length - held,
    };
  }
}

/** What can never become a head is not waited for: not another protocol, nor lines that end in LF alone. */
function assertBegin(bytes: Buffer): void {
  const text = bytes.toString("latin1", 0, bytes.length);
  if (!begin.startsWith(text.slice(0, begin.length)) || /(?:^|[^\r])\n/.test(text)) {
    throw new WireError("HTTP1_HEAD", "the answer does not begin as one of HTTP/1.1");
  }
}
