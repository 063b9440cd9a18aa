import { areHeaderLines, isHeaderValue } from "../../http/raw-headers.ts";
import type { BodyReader } from "./body-reader.ts";
import { largestChunkLine, largestExtensions, largestTrailers, mostHeaders } from "./limits.ts";
import { LineReader } from "./line-reader.ts";
import { WireError } from "./wire-error.ts";

/** Eight digits are 4 GiB in one chunk; more are a number that some reader cannot hold. */
const sizeLine = /^([0-9A-Fa-f]{1,8})(;.*)?$/s;

/** A trailer must not say where the body ended: it has ended. */
const framing: ReadonlySet<string> = new Set(["content-length", "transfer-encoding"]);

/** A body in chunks; extensions and trailers are checked and end here. @see RFC 9112 §7.1 */
export class ChunkedReader implements BodyReader {
  readonly endsWithConnection = false;
  isDone = false;
  piece: Buffer | null = null;
  #part: "size" | "data" | "end of data" | "trailers" = "size";
  readonly #lines = new LineReader("HTTP1_CHUNK");
  readonly #trailerLines = new LineReader("HTTP1_TRAILER");
  #left = 0;
  #extensions = 0;
  #trailers = 0;
  #trailerBytes = 0;

  read(bytes: Buffer, at: number): number {
    this.piece = null;
    switch (this.#part) {
      case "size":
        return this.#readSize(bytes, at);
      case "data":
        return this.#readData(bytes, at);
      case "end of data":
        return this.#readEndOfData(bytes, at);
      case "trailers":
        return this.#readTrailer(bytes, at);
    }
  }

  #readSize(bytes: Buffer, at: number): number {
    const next = this.#lines.read(bytes, at, largestChunkLine);
    const { line } = this.#lines;
    if (line === null) return next;
    const [, size, extensions = ""] = sizeLine.exec(line) ?? [];
    this.#extensions += extensions.length;
    if (size === undefined || !isHeaderValue(extensions) || this.#extensions > largestExtensions) {
      throw new WireError("HTTP1_CHUNK", "the size of a chunk is none");
    }
    this.#left = Number.parseInt(size, 16);
    this.#part = this.#left === 0 ? "trailers" : "data";
    return next;
  }

  #readData(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.piece = bytes.subarray(at, end);
    if (this.#left === 0) this.#part = "end of data";
    return end;
  }

  #readEndOfData(bytes: Buffer, at: number): number {
    const next = this.#lines.read(bytes, at, "\r\n".length);
    if (this.#lines.line !== null) this.#part = "size";
    return next;
  }

  #readTrailer(bytes: Buffer, at: number): number {
    const next = this.#trailerLines.read(bytes, at, largestTrailers);
    this.#trailerBytes += next - at;
    const { line } = this.#trailerLines;
    if (line === "") this.isDone = true;
    else if (line !== null) this.#checkTrailer(line);
    return next;
  }

  #checkTrailer(line: string): void {
    this.#trailers += 1;
    const isTooMuch = this.#trailers > mostHeaders || this.#trailerBytes > largestTrailers;
    const name = line.slice(0, Math.max(0, line.indexOf(":"))).toLowerCase();
    if (isTooMuch || !areHeaderLines(`\r\n${line}`) || framing.has(name)) {
      throw new WireError("HTTP1_TRAILER", "a trailer is none");
    }
  }
}
