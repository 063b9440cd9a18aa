/** Finds the body of an answer, and its end, in the bytes of a connection. */
export interface BodyReader {
  /** Whether the body is over; no byte behind it belongs to the answer. */
  readonly isDone: boolean;
  /** The part of the body that the last `read` came to. */
  readonly piece: Buffer | null;
  /** Whether the end of the connection is the end of the body. */
  readonly endsWithConnection: boolean;
  /** Reads on from `at` to the end of the bytes or of one piece; returns where it stopped. @throws WireError */
  read(bytes: Buffer, at: number): number;
}

/** A body of so many bytes. */
export class LengthReader implements BodyReader {
  readonly endsWithConnection = false;
  piece: Buffer | null = null;
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get isDone(): boolean {
    return this.#left === 0;
  }

  read(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.piece = bytes.subarray(at, end);
    return end;
  }
}

/** A body that goes on as long as the connection. */
export class EndlessReader implements BodyReader {
  readonly endsWithConnection = true;
  readonly isDone = false;
  piece: Buffer | null = null;

  read(bytes: Buffer, at: number): number {
    this.piece = bytes.subarray(at);
    return bytes.length;
  }
}
