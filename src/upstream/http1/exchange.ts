import type { Socket } from "node:net";
import { SessionProxyError } from "../../errors.ts";
import type { UpstreamListener, UpstreamRequest } from "../listener.ts";
import { toUpstreamError } from "../upstream-error.ts";
import { AnswerReader, type AnswerSink } from "./answer-reader.ts";
import { Countdown } from "./countdown.ts";
import { keptFor } from "./framing.ts";
import type { WrittenHead } from "./request-head.ts";
import { RequestWriter } from "./request-writer.ts";
import type { ResponseHead } from "./response-head.ts";
import { WireError } from "./wire-error.ts";

/** What an exchange is about. */
export interface ExchangeOptions {
  readonly request: UpstreamRequest;
  readonly head: WrittenHead;
  readonly listener: UpstreamListener;
  /** Milliseconds. */
  readonly timeouts: { readonly headers: number; readonly bodyIdle: number };
  /** How long an unused connection is kept at most. Milliseconds. */
  readonly idle: number;
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
export class Exchange implements AnswerSink {
  readonly #options: ExchangeOptions;
  readonly #reader: AnswerReader;
  #socket: Socket | null = null;
  #writer: RequestWriter | null = null;
  readonly #countdown = new Countdown();
  #keep = 0;
  #hasHead = false;
  #isOver = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#reader = new AnswerReader(options.request.method, this);
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
    const { head, request } = this.#options;
    this.#writer = new RequestWriter(socket, head.text, request, {
      moved: () => this.#waitForHead(),
      failed: (error) => this.fail(error),
    });
    this.#guard(() => this.#writer?.start());
  }

  /** Bytes have come. */
  take(bytes: Buffer): void {
    this.#guard(() => {
      if (!this.#writer?.hasBegun) throw new WireError("HTTP1_UNASKED", "an answer came before the request");
      this.#reader.read(bytes);
    });
  }

  /** No more bytes will come. */
  end(): void {
    this.#keep = 0;
    this.#guard(() => this.#reader.end());
  }

  /** The connection is gone. */
  lose(error: Error | null): void {
    if (this.#reader.isAtEnd) return;
    const { hasBegun } = this.#reader;
    const cut = hasBegun
      ? new WireError("HTTP1_CUT", "the connection broke in the middle of the answer")
      : new WireError("HTTP1_CLOSED", "the connection broke before the answer");
    this.fail(hasBegun ? cut : (error ?? cut));
  }

  /** Ends it from our side. */
  abort(): void {
    this.fail(new SessionProxyError("QSP-UPSTREAM", { reason: "aborted by the proxy" }));
  }

  fail(error: unknown): void {
    if (!this.#close(0)) return;
    try {
      this.#options.listener.failed(toUpstreamError(error));
    } finally {
      this.#options.over();
    }
  }

  head(head: ResponseHead): boolean {
    const { head: sent, idle, listener } = this.#options;
    const isEarly = !this.#writer?.isDone;
    this.#hasHead = true;
    // Whoever refuses a request does not need the rest of it; whoever answers it while reading on does.
    if (isEarly && head.status >= 300) this.#writer?.stop();
    this.#keep = sent.keepsConnection && !isEarly ? keptFor(head, idle) : 0;
    this.#waitForBody();
    return this.#pausedUnless(listener.head(head.status, head.headers, this.#resume));
  }

  data(piece: Buffer): boolean {
    this.#countdown.refresh();
    return this.#pausedUnless(this.#options.listener.data(piece));
  }

  complete(extra: number): void {
    if (!this.#close(extra > 0 ? 0 : this.#keep)) return;
    // Whatever a listener makes of the end, the place in its lane is free.
    try {
      this.#options.listener.finished();
    } finally {
      this.#options.over();
    }
  }

  #resume = (): void => {
    if (this.#isOver) return;
    this.#guard(() => {
      this.#waitForBody();
      this.#socket?.resume();
      this.#reader.resume();
    });
  };

  #pausedUnless(hasRoom: boolean): boolean {
    if (hasRoom || this.#isOver) return hasRoom;
    this.#countdown.stop();
    this.#socket?.pause();
    return false;
  }

  /** Whatever is wrong with the bytes, or with those that hear of them, ends this exchange and nothing else. */
  #guard(work: () => void): void {
    if (this.#isOver) return;
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  #waitForHead(): void {
    if (this.#isOver || this.#hasHead) return;
    this.#countdown.start(this.#options.timeouts.headers, () => {
      // A body that the browser has not sent yet is not the tenant's fault; whoever reads it has a limit.
      if (this.#writer?.isDone === false && !this.#writer.isHeldBack) this.#waitForHead();
      else this.fail(new WireError("HTTP1_HEADERS_TIMEOUT", "no answer came in time"));
    });
  }

  #waitForBody(): void {
    this.#countdown.start(this.#options.timeouts.bodyIdle, () => {
      this.fail(new WireError("HTTP1_BODY_TIMEOUT", "the answer did not go on in time"));
    });
  }

  /** Puts everything away; false where that was done before. */
  #close(keep: number): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#countdown.stop();
    this.#writer?.stop();
    this.#reader.stop();
    this.#options.ended(keep);
    return true;
  }
}
