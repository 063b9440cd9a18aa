import type { SessionProxyError } from "../../errors.ts";
import { largestCsrfRefusal } from "../../tenant/csrf.ts";
import { toUpstreamError } from "../../upstream/upstream-error.ts";
import type { UpstreamListener } from "../../upstream/listener.ts";

/** The head of an answer. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: readonly string[];
}

/** Where the answer of an attempt goes. */
export interface AnswerTarget {
  /** Decides, once and before anything else, whether the browser may see an answer with such a head at once. */
  receive(head: AnswerHead): "hold" | "forward";
  begin(head: AnswerHead): void;
  /** False means wait for `resume`. */
  write(chunk: Buffer, resume: () => void): boolean;
  end(): void;
}

/** An answer whose head has come and which the browser has not seen yet. */
export interface HeldAnswer extends AnswerHead {
  /** The body, as sent, if it is small; null if it is not. */
  read(): Promise<Buffer | null>;
  /** Lets the browser have it; resolves when it is through. */
  pass(): Promise<void>;
  /** Throws it away. */
  drop(): void;
  /** Waits for a decision; an answer that nobody decided on must not keep its connection. */
  orDrop<T>(decision: Promise<T>): Promise<T>;
}

/** A thrown-away answer is read to its end up to this size, so that its connection can be used again. Bytes. */
const largestWaste = 64 * 1024;

type Mode = "waiting" | "holding" | "forwarding" | "dropping";

/** Settles a promise that somebody waits for. */
interface Settle<T> {
  resolve(value: T): void;
  reject(error: SessionProxyError): void;
}

/** One sending of a request: forwards the answer, or holds it until it is decided what it means. */
export class Attempt implements UpstreamListener, HeldAnswer {
  /** "finished" when the answer is through, or the answer that is held. Rejects with a `SessionProxyError`. */
  readonly outcome: Promise<"finished" | HeldAnswer>;
  status = 0;
  headers: readonly string[] = [];
  readonly #target: AnswerTarget;
  readonly #chunks: Buffer[] = [];
  #settle!: Settle<"finished" | HeldAnswer>;
  /** Set while `pass` waits for the end. */
  #complete: Settle<void> | null = null;
  #wakeReader: (() => void) | null = null;
  #mode: Mode = "waiting";
  #size = 0;
  #isOver = false;
  #failure: SessionProxyError | null = null;
  #stop: (() => void) | null = null;
  #reason: SessionProxyError | null = null;
  #resume: () => void = () => {};

  constructor(target: AnswerTarget) {
    this.#target = target;
    this.outcome = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  /** Whether nothing more is to come, be it good or bad. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ends the attempt from our side; `reason` is what it then fails with. */
  abort(reason: SessionProxyError): void {
    if (this.#isOver) return;
    this.#reason ??= reason;
    this.#stop?.();
  }

  started(stop: () => void): void {
    this.#stop = stop;
    if (this.#reason) stop();
  }

  head(status: number, headers: string[], resume: () => void): boolean {
    this.#resume = resume;
    this.status = status;
    this.headers = headers;
    try {
      if (this.#target.receive(this) === "hold") {
        this.#mode = "holding";
        this.#settle.resolve(this);
      } else {
        this.#mode = "forwarding";
        this.#target.begin(this);
      }
      return true;
    } catch (error) {
      // Thrown into the client library it would be taken for a fault of the connection.
      this.abort(toUpstreamError(error));
      return false;
    }
  }

  data(chunk: Buffer): boolean {
    if (this.#mode === "forwarding") return this.#target.write(chunk, this.#resume);
    this.#size += chunk.length;
    if (this.#mode === "dropping") {
      if (this.#size > largestWaste) this.#stop?.();
      return true;
    }
    this.#chunks.push(chunk);
    if (this.#size <= largestCsrfRefusal) return true;
    this.#wakeReader?.();
    return false;
  }

  finished(): void {
    this.#isOver = true;
    this.#wakeReader?.();
    if (this.#mode === "forwarding") this.#target.end();
    this.#complete?.resolve();
    this.#settle.resolve("finished");
  }

  failed(error: SessionProxyError): void {
    this.#isOver = true;
    this.#failure = this.#reason ?? error;
    this.#wakeReader?.();
    this.#complete?.reject(this.#failure);
    this.#settle.reject(this.#failure);
  }

  async read(): Promise<Buffer | null> {
    if (!this.#isOver && this.#size <= largestCsrfRefusal) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    return this.#size <= largestCsrfRefusal ? Buffer.concat(this.#chunks) : null;
  }

  async pass(): Promise<void> {
    // An answer that was cut while it was held is no answer; this fails before anything is sent.
    if (this.#failure) throw this.#failure;
    this.#mode = "forwarding";
    try {
      this.#target.begin(this);
    } catch (error) {
      this.abort(toUpstreamError(error));
      throw error;
    }
    for (const chunk of this.#chunks.splice(0)) this.#target.write(chunk, this.#resume);
    if (this.#failure) throw this.#failure;
    if (this.#isOver) return this.#target.end();
    const through = new Promise<void>((resolve, reject) => {
      this.#complete = { resolve, reject };
    });
    // Heard below; if `resume` throws, nobody waits for it.
    through.catch(() => {});
    this.#resume();
    await through;
  }

  drop(): void {
    this.#mode = "dropping";
    this.#chunks.length = 0;
    if (!this.#isOver) this.#resume();
  }

  orDrop<T>(decision: Promise<T>): Promise<T> {
    return decision.catch((error: unknown) => {
      this.drop();
      throw error;
    });
  }
}
