import type { ServerResponse } from "node:http";
import type { Readable, Writable } from "node:stream";
import type { BodyRewrite } from "./body-rewrite.ts";
import { Countdown } from "../kernel/countdown.ts";
import { writeHead } from "./host-response.ts";
import { destroyResponse } from "./waiting-response.ts";

/** What may wait for a browser that reads more slowly than the tenant writes. Bytes, in all but the last piece. */
const mostWaiting = 256 * 1024;

/** Takes a response to the browser, straight or through a rewrite, no faster than the browser reads. */
export class ResponseSink {
  readonly #response: ServerResponse;
  readonly #stallLimit: number;
  #input: Writable;
  #output: Readable | null = null;
  #resume: (() => void) | null = null;
  #stall: Countdown | null = null;
  #begun = false;
  #hasBody = false;
  bytes = 0;

  /** `stallLimit`: milliseconds that a browser may not read before it is cut off. */
  constructor(response: ServerResponse, stallLimit: number) {
    this.#response = response;
    this.#stallLimit = stallLimit;
    this.#input = response;
    response.on("drain", this.#onDrain);
    response.on("close", this.#release);
  }

  /** Resolves when a rewritten body has gone out, or will not any more; at once for any other. */
  flushed(): Promise<void> {
    const output = this.#output;
    if (!output || output.readableEnded || this.#response.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      output.once("end", resolve);
      this.#response.once("close", resolve);
    });
  }

  /** Whether a byte of the answer may have left. */
  get begun(): boolean {
    return this.#begun;
  }

  begin(status: number, headers: readonly string[], rewrite: BodyRewrite | null): void {
    this.#begun = true;
    writeHead(this.#response, status, headers);
    process.nextTick(this.#flushHead);
    if (!rewrite) return;
    this.#input = rewrite.input;
    this.#output = rewrite.output;
    rewrite.input.on("drain", this.#onDrain);
    rewrite.input.on("error", this.#onBroken);
    rewrite.output.on("error", this.#onBroken);
    rewrite.output.on("data", (chunk: Buffer) => {
      this.bytes += chunk.length;
      if (!this.#response.write(chunk)) {
        rewrite.output.pause();
        this.#watch();
      }
    });
    rewrite.output.on("end", () => this.#response.end());
  }

  /** Writes a piece of the body; false means wait, and `resume` is called when there is room again. */
  write(chunk: Buffer, resume: () => void): boolean {
    this.#hasBody = true;
    if (!this.#output) this.bytes += chunk.length;
    if (this.#input.write(chunk)) return true;
    // Earned by: bench 1MB and 50MB. node's mark is lower than one piece of a large body, so each would be waited for.
    if (!this.#output && this.#response.writableLength < mostWaiting) return true;
    this.#resume = resume;
    this.#watch();
    return false;
  }

  end(): void {
    this.#hasBody = true;
    this.#input.end();
  }

  /** Breaks off so that the browser cannot take what it has for the whole. */
  cut(): void {
    const { req, socket } = this.#response;
    // Without chunks an orderly end would be the end of the body; front doors still speak HTTP/1.0.
    const canReset = socket?.remoteAddress !== undefined && !("encrypted" in socket);
    if (req.httpVersion === "1.0" && canReset) socket.resetAndDestroy();
    destroyResponse(this.#response);
  }

  /** node keeps a head back until the body begins; that of an event stream may take its time. product C5 */
  #flushHead = (): void => {
    if (!this.#hasBody && !this.#response.destroyed) this.#response.flushHeaders();
  };

  #onDrain = (): void => {
    this.#stall?.stop();
    this.#output?.resume();
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  };

  #onBroken = (): void => this.cut();

  #watch(): void {
    this.#stall ??= new Countdown();
    if (!this.#stall.isRunning) this.#stall.start(this.#stallLimit, this.#onBroken);
  }

  #release = (): void => {
    this.#stall?.close();
    if (this.#output && !this.#output.readableEnded) {
      this.#output.destroy();
      this.#input.destroy();
    }
  };
}
