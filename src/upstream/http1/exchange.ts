import type { Socket } from "node:net";
import type { Countdown } from "../../kernel/countdown.ts";
import type { UpstreamListener, UpstreamRequest } from "../listener.ts";
import { aborted, toUpstreamError } from "../upstream-error.ts";
import { AnswerReader, type AnswerSink } from "./answer-reader.ts";
import { keptFor } from "./framing.ts";
import type { WrittenHead } from "./request-head.ts";
import { RequestWriter, type WriterWatch } from "./request-writer.ts";
import type { ResponseHead } from "./response-head.ts";
import { WireError } from "./wire-error.ts";

/** What the exchanges of a client share; milliseconds. */
export interface ExchangeOptions {
  readonly timeouts: { readonly headers: number; readonly bodyIdle: number };
  /** How long an unused connection is kept at most. */
  readonly idle: number;
}

/** What an exchange is about. */
export interface ExchangeParts {
  readonly request: UpstreamRequest;
  readonly head: WrittenHead;
  readonly listener: UpstreamListener;
  /** The connection's; nothing else waits on it during the exchange. */
  readonly countdown: Countdown;
  /**
   * Called once, before the listener hears of the end: `keep` says how long the connection may be kept for another request,
   * 0 for not at all.
   */
  readonly ended: (keep: number) => void;
  /** Called once, when the listener has heard of the end. */
  readonly over: () => void;
}

/**
 * One request and its answer on a connection.
 *
 * The wait for a head begins with the request, and again with each piece of its body; interim answers do not prolong it. The
 * wait for more of a body stops while the listener lets the tenant wait: how long it may do that is its own limit.
 */
export class Exchange implements AnswerSink, WriterWatch {
  readonly #options: ExchangeOptions;
  readonly #parts: ExchangeParts;
  readonly #reader: AnswerReader;
  #socket: Socket | null = null;
  #writer: RequestWriter | null = null;
  #keep = 0;
  #hasHead = false;
  /** Whether the listener lets the tenant wait. */
  #isPaused = false;
  #isOver = false;

  constructor(options: ExchangeOptions, parts: ExchangeParts) {
    this.#options = options;
    this.#parts = parts;
    this.#reader = new AnswerReader(parts.request.method, this);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether it has a connection. */
  get hasBegun(): boolean {
    return this.#socket !== null;
  }

  /** Sends the request on a connection of which nothing else is expected. */
  begin(socket: Socket): void {
    this.#socket = socket;
    const { head, request } = this.#parts;
    this.#writer = new RequestWriter(socket, head.text, request, this);
    if (this.#isOver) return;
    try {
      this.#writer.start();
    } catch (error) {
      this.failed(error);
    }
  }

  /** A piece of the request has been handed to the connection. */
  moved(): void {
    this.#waitForHead();
  }

  /** Bytes have come. */
  take(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      if (!this.#writer?.hasBegun) throw new WireError("HTTP1_UNASKED", "an answer came before the request");
      this.#reader.read(bytes);
      // Most answers are whole by now, and need no timer for the rest.
      if (this.#hasHead && !this.#isPaused) this.#waitForBody();
    } catch (error) {
      this.failed(error);
    }
  }

  /** No more bytes will come. */
  end(): void {
    this.#keep = 0;
    if (this.#isOver) return;
    try {
      this.#reader.end();
    } catch (error) {
      this.failed(error);
    }
  }

  /** The connection is gone. */
  lose(error: Error | null): void {
    if (this.#reader.isAtEnd) return;
    const { hasBegun } = this.#reader;
    const cut = hasBegun
      ? new WireError("HTTP1_CUT", "the connection broke in the middle of the answer")
      : new WireError("HTTP1_CLOSED", "the connection broke before the answer");
    this.failed(hasBegun ? cut : (error ?? cut));
  }

  /** Ends it from our side. */
  abort(): void {
    this.failed(aborted());
  }

  /** Ends it: whatever is wrong with the bytes, or with those that hear of them, ends this exchange and nothing else. */
  failed(error: unknown): void {
    if (!this.#close(0)) return;
    try {
      this.#parts.listener.failed(toUpstreamError(error));
    } finally {
      this.#parts.over();
    }
  }

  head(head: ResponseHead): boolean {
    const { head: sent, listener } = this.#parts;
    const isEarly = !this.#writer?.isDone;
    this.#hasHead = true;
    // Whoever refuses a request does not need the rest of it; whoever answers it while reading on does.
    if (isEarly && head.status >= 300) this.#writer?.stop();
    this.#keep = sent.keepsConnection && !isEarly ? keptFor(head, this.#options.idle) : 0;
    this.#parts.countdown.stop();
    return this.#pausedUnless(listener.head(head.status, head.headers, this.#resume));
  }

  data(piece: Buffer): boolean {
    return this.#pausedUnless(this.#parts.listener.data(piece));
  }

  complete(extra: number): void {
    if (!this.#close(extra > 0 ? 0 : this.#keep)) return;
    // Whatever a listener makes of the end, the place in its lane is free.
    try {
      this.#parts.listener.finished();
    } finally {
      this.#parts.over();
    }
  }

  #resume = (): void => {
    if (this.#isOver) return;
    this.#isPaused = false;
    try {
      this.#socket?.resume();
      this.#reader.resume();
      if (!this.#isPaused) this.#waitForBody();
    } catch (error) {
      this.failed(error);
    }
  };

  #pausedUnless(hasRoom: boolean): boolean {
    if (hasRoom || this.#isOver) return hasRoom;
    this.#isPaused = true;
    this.#parts.countdown.stop();
    this.#socket?.pause();
    return false;
  }

  #waitForHead(): void {
    if (this.#isOver || this.#hasHead) return;
    this.#parts.countdown.start(this.#options.timeouts.headers, () => {
      // A body that the browser has not sent yet is not the tenant's fault; whoever reads it has a limit.
      if (this.#writer?.isDone === false && !this.#writer.isHeldBack) this.#waitForHead();
      else this.failed(new WireError("HTTP1_HEADERS_TIMEOUT", "no answer came in time"));
    });
  }

  #waitForBody(): void {
    if (this.#isOver) return;
    if (this.#parts.countdown.isRunning) return this.#parts.countdown.refresh();
    this.#parts.countdown.start(this.#options.timeouts.bodyIdle, () => {
      this.failed(new WireError("HTTP1_BODY_TIMEOUT", "the answer did not go on in time"));
    });
  }

  /** Puts everything away; false where that was done before. */
  #close(keep: number): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#parts.countdown.stop();
    this.#writer?.stop();
    this.#reader.stop();
    this.#parts.ended(keep);
    return true;
  }
}
