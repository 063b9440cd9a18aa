import type { Readable } from "node:stream";
import { SessionProxyError } from "../../errors.ts";

/** How much of a body is kept, how much is taken at all, and how long it may pause. */
export interface BodyLimits {
  /** Bytes; up to here a body can be sent once more. */
  readonly replay: number;
  /** Bytes. */
  readonly total: number;
  /** Milliseconds without a further piece. */
  readonly idle: number;
}

/**
 * The body of a request, read as it is sent on and kept while it is small enough to be sent again.
 *
 * It is pulled by whoever sends it, so the client is slowed down by a slow tenant.
 */
export class RequestBody {
  readonly #source: AsyncIterator<Buffer>;
  readonly #limits: BodyLimits;
  /** Chunks not yet given away, or all of them while the body may be replayed. */
  #chunks: Buffer[] = [];
  #dropped = 0;
  #size = 0;
  #complete = false;
  #pulling: Promise<void> | null = null;
  /** Attempts that have read so far. */
  #streams = 0;

  constructor(request: Readable, limits: BodyLimits) {
    // A stopped attempt must not destroy the request: the connection still carries the answer.
    this.#source = request
      .iterator({ destroyOnReturn: false })
      [Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#limits = limits;
  }

  /** Whether the whole body, as far as it was read, can be sent again. */
  get replayable(): boolean {
    return this.#dropped === 0;
  }

  /** Whether the client has sent all of it. */
  get complete(): boolean {
    return this.#complete;
  }

  /** The bytes from the start on; a later attempt needs {@link replayable}, and ends the reading of those before it. */
  async *stream(): AsyncGenerator<Buffer> {
    this.#streams += 1;
    const stream = this.#streams;
    for (let position = 0; ; position += 1) {
      while (position - this.#dropped >= this.#chunks.length) {
        if (this.#complete) return;
        await this.#pull();
      }
      // One that was given up may still have waited for this piece; it must not forget it for the others.
      if (stream !== this.#streams) throw new Error("the body is read by another attempt");
      const chunk = this.#chunks[position - this.#dropped];
      if (chunk === undefined) throw new Error("the body cannot be sent again");
      this.#forgetUpTo(position);
      yield chunk;
    }
  }

  #forgetUpTo(position: number): void {
    if (this.#size <= this.#limits.replay) return;
    const count = position + 1 - this.#dropped;
    this.#chunks.splice(0, count);
    this.#dropped += count;
  }

  #pull(): Promise<void> {
    this.#pulling ??= this.#read().finally(() => {
      this.#pulling = null;
    });
    return this.#pulling;
  }

  async #read(): Promise<void> {
    const { done, value } = await this.#next();
    if (done) {
      this.#complete = true;
      return;
    }
    this.#size += value.length;
    if (this.#size > this.#limits.total) throw new SessionProxyError("QSP-TOO-LARGE");
    this.#chunks.push(value);
  }

  /** The next piece; a browser that stops sending holds the tenant's connection for nothing. attacks B2 */
  async #next(): Promise<IteratorResult<Buffer>> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new SessionProxyError("QSP-TIMEOUT", { reason: "the browser stopped sending its body" }));
      }, this.#limits.idle);
    });
    return Promise.race([this.#source.next(), tooLate]).finally(() => clearTimeout(timer));
  }
}
