import { largestOwnAnswer } from "../tenant/port.ts";
import type { BodyReader } from "./http1/body-reader.ts";
import { announcesBody, bodyReaderFor } from "./http1/framing.ts";
import { HeadReader } from "./http1/head-reader.ts";
import { mostInterim } from "./http1/limits.ts";
import type { ResponseHead } from "./http1/response-head.ts";
import { WireError } from "./http1/wire-error.ts";

/** Frames follow on the connection; `head` are those that have come already. */
export interface Switched {
  readonly headers: readonly string[];
  readonly head: Buffer;
}

/** Why not: a refusal, and its body if that came whole and is not too long; a part would be passed on as the whole. */
export interface Refusal {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** Reads the answer to a handshake out of the bytes of a connection, as strictly as any other answer. */
export class HandshakeReader {
  readonly #heads = new HeadReader();
  #interim = 0;
  #refusal: RefusalReader | null = null;

  /** Reads on; null while the answer is not whole. @throws WireError */
  read(bytes: Buffer): Switched | Refusal | null {
    let at = 0;
    while (this.#refusal === null) {
      if (at === bytes.length) return null;
      const read = this.#heads.read(bytes, at);
      if (read === null) return null;
      at = read.next;
      const { status, headers } = read.head;
      if (status === 101) return { headers, head: bytes.subarray(at) };
      if (status < 200) this.#checkInterim(read.head);
      else this.#refusal = new RefusalReader(read.head);
    }
    return this.#refusal.read(bytes, at) ? this.#refusal.told(false) : null;
  }

  /** What there is to tell when the connection ends, in order or not: a refusal whose head was whole. */
  end(isOrderly: boolean): Refusal | null {
    return this.#refusal?.told(isOrderly) ?? null;
  }

  #checkInterim(head: ResponseHead): void {
    this.#interim += 1;
    if (this.#interim > mostInterim || announcesBody(head)) {
      throw new WireError("HTTP1_INTERIM", "the interim answers are too many, or have bodies");
    }
  }
}

const nothing: Buffer = Buffer.alloc(0);

class RefusalReader {
  readonly #head: ResponseHead;
  readonly #body: BodyReader;
  readonly #pieces: Buffer[] = [];
  #size = 0;

  /** @throws WireError */
  constructor(head: ResponseHead) {
    this.#head = head;
    this.#body = bodyReaderFor(head, "GET");
  }

  /** `hasEnded`: whether the connection has ended in order, with which some bodies end. */
  told(hasEnded: boolean): Refusal {
    const { status, headers } = this.#head;
    const isWhole =
      this.#size <= largestOwnAnswer && (this.#body.isDone || (hasEnded && this.#body.endsWithConnection));
    return { status, headers, body: isWhole ? Buffer.concat(this.#pieces) : nothing };
  }

  /** Reads on; true when there is no more to be had. */
  read(bytes: Buffer, from: number): boolean {
    let at = from;
    try {
      while (!this.#body.isDone && at < bytes.length) {
        at = this.#body.read(bytes, at);
        const { piece } = this.#body;
        if (piece === null) continue;
        this.#size += piece.length;
        if (this.#size > largestOwnAnswer) return true;
        this.#pieces.push(piece);
      }
    } catch (error) {
      // The status holds all the same.
      if (error instanceof WireError) return true;
      throw error;
    }
    return this.#body.isDone;
  }
}
