import type { BodyReader } from "./body-reader.ts";
import { announcesBody, bodyReaderFor } from "./framing.ts";
import { HeadReader } from "./head-reader.ts";
import { mostInterim } from "./limits.ts";
import type { ResponseHead } from "./response-head.ts";
import { WireError } from "./wire-error.ts";

/** Hears an answer as it is read. */
export interface AnswerSink {
  /** False means wait: nothing more is told before `resume`. */
  head(head: ResponseHead): boolean;
  /** False means wait, as above. */
  data(piece: Buffer): boolean;
  /** The whole answer has been told; `extra` bytes came behind it. */
  complete(extra: number): void;
}

const nothing: Buffer = Buffer.alloc(0);

/** Reads one answer, with its interim ones, out of the bytes of a connection. */
export class AnswerReader {
  readonly #method: string;
  readonly #sink: AnswerSink;
  readonly #heads = new HeadReader();
  #body: BodyReader | null = null;
  #interim = 0;
  #isPaused = false;
  #isOver = false;
  /** What came behind the place where somebody asked to wait. */
  #held: Buffer = nothing;
  /** Whether the connection ended behind what is held. */
  #isLast = false;
  /** Whether a byte of the answer has come. */
  hasBegun = false;

  constructor(method: string, sink: AnswerSink) {
    this.#method = method;
    this.#sink = sink;
  }

  /** Whether the end of the connection has been read, but not yet all that came before it. */
  get isAtEnd(): boolean {
    return this.#isLast && !this.#isOver;
  }

  /** Reads on. @throws WireError */
  read(bytes: Buffer): void {
    this.hasBegun = true;
    this.#run(this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]));
  }

  /** Goes on with what was held. @throws WireError */
  resume(): void {
    if (!this.#isPaused || this.#isOver) return;
    this.#isPaused = false;
    this.#run(this.#held);
    if (this.#isLast && !this.#isPaused) this.#end();
  }

  /** The connection has ended. @throws WireError where the answer has not */
  end(): void {
    if (this.#isOver) return;
    this.#isLast = true;
    if (!this.#isPaused) this.#end();
  }

  /** Nothing more is told. */
  stop(): void {
    this.#isOver = true;
    this.#held = nothing;
  }

  #run(bytes: Buffer): void {
    this.#held = nothing;
    let at = 0;
    while (!this.#isOver) {
      if (this.#isPaused) {
        this.#held = bytes.subarray(at);
        return;
      }
      if (this.#body?.isDone) return this.#complete(bytes.length - at);
      if (at === bytes.length) return;
      at = this.#body === null ? this.#readHead(bytes, at) : this.#readBody(this.#body, bytes, at);
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const read = this.#heads.read(bytes, at);
    if (read === null) return bytes.length;
    const { head, next } = read;
    if (head.status < 200) this.#checkInterim(head);
    else {
      this.#body = bodyReaderFor(head, this.#method);
      this.#isPaused = !this.#sink.head(head);
    }
    return next;
  }

  /** Interim answers end here, since ours to the browser are our own. @see RFC 9110 §15.2 */
  #checkInterim(head: ResponseHead): void {
    if (head.status === 101) throw new WireError("HTTP1_UPGRADE", "a change of protocol was not asked for");
    this.#interim += 1;
    if (this.#interim > mostInterim || announcesBody(head)) {
      throw new WireError("HTTP1_INTERIM", "the interim answers are too many, or have bodies");
    }
  }

  #readBody(body: BodyReader, bytes: Buffer, at: number): number {
    const next = body.read(bytes, at);
    if (body.piece !== null && body.piece.length > 0) this.#isPaused = !this.#sink.data(body.piece);
    return next;
  }

  #complete(extra: number): void {
    this.stop();
    this.#sink.complete(extra);
  }

  #end(): void {
    if (this.#isOver) return;
    if (this.#body?.endsWithConnection) return this.#complete(0);
    throw this.hasBegun
      ? new WireError("HTTP1_CUT", "the connection ended before the answer")
      : new WireError("HTTP1_CLOSED", "the connection ended without an answer");
  }
}
