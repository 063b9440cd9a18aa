import type { SessionProxyError } from "../errors.ts";
import { largestCsrfRefusal } from "../tenant/csrf.ts";
import { toUpstreamError } from "../upstream/upstream-error.ts";
import type { UpstreamListener } from "../upstream/listener.ts";

/** Where the answer of an attempt goes. */
export interface AnswerTarget {
  begin(answer: { readonly status: number; readonly headers: readonly string[] }): void;
  /** False means wait for `resume`. */
  write(chunk: Buffer, resume: () => void): boolean;
  end(): void;
}

/** An answer whose head has come and which the browser has not seen yet. */
export interface HeldAnswer {
  readonly status: number;
  readonly headers: readonly string[];
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

/** One sending of a request: forwards the answer, or holds it until it is decided what it means. */
export class Attempt implements UpstreamListener {
  /** "finished" when the answer is through, or the answer that is held. Rejects with a `SessionProxyError`. */
  readonly outcome: Promise<"finished" | HeldAnswer>;
  readonly #decide: (answer: HeldAnswer) => "hold" | "forward";
  readonly #target: AnswerTarget;
  readonly #chunks: Buffer[] = [];
  #settle!: { resolve(outcome: "finished" | HeldAnswer): void; reject(error: SessionProxyError): void };
  #whenComplete!: Promise<void>;
  #complete!: { resolve(): void; reject(error: SessionProxyError): void };
  #wakeReader: (() => void) | null = null;
  #mode: Mode = "waiting";
  #size = 0;
  #over = false;
  #stop: (() => void) | null = null;
  #reason: SessionProxyError | null = null;
  #resume: () => void = () => {};

  constructor(decide: (answer: HeldAnswer) => "hold" | "forward", target: AnswerTarget) {
    this.#decide = decide;
    this.#target = target;
    this.outcome = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#whenComplete = new Promise((resolve, reject) => {
      this.#complete = { resolve, reject };
    });
    // Heard by `pass` where somebody waits; a dropped or failed attempt has told through `outcome`.
    this.#whenComplete.catch(() => {});
  }

  /** Ends the attempt from our side; `reason` is what it then fails with. */
  abort(reason: SessionProxyError): void {
    if (this.#over) return;
    this.#reason ??= reason;
    this.#stop?.();
  }

  started(stop: () => void): void {
    this.#stop = stop;
    if (this.#reason) stop();
  }

  head(status: number, headers: string[], resume: () => void): boolean {
    this.#resume = resume;
    const held: HeldAnswer = {
      status,
      headers,
      read: () => this.#read(),
      pass: () => this.#pass(status, headers),
      drop: () => this.#drop(),
      orDrop: (decision) =>
        decision.catch((error: unknown) => {
          this.#drop();
          throw error;
        }),
    };
    try {
      if (this.#decide(held) === "hold") {
        this.#mode = "holding";
        this.#settle.resolve(held);
      } else {
        this.#mode = "forwarding";
        this.#target.begin({ status, headers });
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
    this.#over = true;
    this.#wakeReader?.();
    if (this.#mode === "forwarding") this.#target.end();
    this.#complete.resolve();
    this.#settle.resolve("finished");
  }

  failed(error: SessionProxyError): void {
    this.#over = true;
    this.#wakeReader?.();
    const told = this.#reason ?? error;
    this.#complete.reject(told);
    this.#settle.reject(told);
  }

  async #read(): Promise<Buffer | null> {
    if (!this.#over && this.#size <= largestCsrfRefusal) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    return this.#size <= largestCsrfRefusal ? Buffer.concat(this.#chunks) : null;
  }

  async #pass(status: number, headers: readonly string[]): Promise<void> {
    // An answer that was cut while it was held is no answer; this rejects before anything is sent.
    if (this.#over) await this.#whenComplete;
    this.#mode = "forwarding";
    try {
      this.#target.begin({ status, headers });
    } catch (error) {
      this.abort(toUpstreamError(error));
      throw error;
    }
    for (const chunk of this.#chunks.splice(0)) this.#target.write(chunk, this.#resume);
    if (this.#over) return this.#target.end();
    this.#resume();
    await this.#whenComplete;
  }

  #drop(): void {
    this.#mode = "dropping";
    this.#chunks.length = 0;
    if (!this.#over) this.#resume();
  }
}
