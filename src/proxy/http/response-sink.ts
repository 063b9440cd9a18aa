import { ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import type { LinkRewriter } from "../../http/json-links.ts";
import { Countdown } from "../../kernel/countdown.ts";
import { isAnsweredStraight, isReturnable, returnMemory } from "../../kernel/return-memory.ts";
import { type BodyPipe, type BodyRewrite, mostHeld } from "./body-rewrite.ts";
import { writeHead } from "./host-response.ts";
import { destroyResponse } from "./waiting-response.ts";

/**
 * What may wait for a browser that reads more slowly than the tenant writes, the last piece aside. Bytes; a browser has the
 * stall limit to take it all, so that more would cut off who reads slowly.
 */
const mostWaiting = 96 * 1024;

/** How long a piece of a small body waits for the rest of it; a browser may want to show what there is. Milliseconds. */
const longestHold = 20;

/** TLS tells of a body in pieces of at most this size, several of which are read at once. Bytes; RFC 8446 §5.1 */
const largestRecord = 16 * 1024;

/** Takes a response to the browser, straight or through a rewrite, no faster than the browser reads. */
export class ResponseSink {
  readonly #response: ServerResponse;
  readonly #stallLimit: number;
  /** Set until it is known whether the body is small. */
  #rewrite: BodyRewrite | null = null;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #holdTimer: NodeJS.Timeout | null = null;
  #rewriter: LinkRewriter | null = null;
  #pipe: BodyPipe | null = null;
  #resume: (() => void) | null = null;
  #stall: Countdown | null = null;
  #begun = false;
  #hasBody = false;
  #isFollowing = false;
  /** Where pieces wait for others of the same turn. */
  #gathering: Pick<Writable, "cork" | "uncork"> | null = null;
  bytes = 0;

  /** `stallLimit`: milliseconds that a browser may not read before it is cut off. */
  constructor(response: ServerResponse, stallLimit: number) {
    this.#response = response;
    this.#stallLimit = stallLimit;
  }

  /** Resolves when a rewritten body has gone out, or will not any more; at once for any other. */
  flushed(): Promise<void> | undefined {
    const output = this.#pipe?.output;
    if (!output || output.readableEnded || this.#response.destroyed) return undefined;
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
    this.#rewrite = rewrite;
  }

  /** Writes a piece of the body; false means wait, and `resume` is called when there is room again. */
  write(chunk: Buffer, resume: () => void): boolean {
    const hasRoom = this.#rewrite ? this.#hold(chunk, this.#rewrite) : this.#pass(chunk);
    if (hasRoom) return true;
    this.#resume = resume;
    this.#watch();
    return false;
  }

  end(): void {
    try {
      if (this.#rewrite) this.#sendHeld(this.#rewrite);
    } catch {
      // It is not what its Content-Encoding says.
      return this.cut();
    }
    if (this.#pipe) return void this.#pipe.input.end();
    if (this.#rewriter) this.#send(this.#rewriter.end());
    this.#hasBody = true;
    this.#response.end();
  }

  /** Keeps a piece until all is there, or until that is too much, or takes too long. */
  #hold(chunk: Buffer, rewrite: BodyRewrite): boolean {
    this.#holdTimer ??= setTimeout(() => this.#stream(rewrite), longestHold);
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    return this.#heldBytes <= mostHeld || this.#stream(rewrite);
  }

  /** Goes on piece by piece, with those that are held to begin with. */
  #stream(rewrite: BodyRewrite): boolean {
    if (this.#response.destroyed) return true;
    const held = Buffer.concat(this.#held);
    this.#forget();
    const stream = rewrite.stream();
    if ("input" in stream) this.#open(stream);
    else this.#rewriter = stream;
    return this.#pass(held);
  }

  /** Sends a small body; one that turns out to be large goes by way of a stream. */
  #sendHeld(rewrite: BodyRewrite): void {
    const rewritten = rewrite.whole(Buffer.concat(this.#held));
    if (rewritten === null) {
      this.#stream(rewrite);
      return;
    }
    this.#forget();
    this.#send(rewritten);
  }

  #forget(): void {
    if (this.#holdTimer) clearTimeout(this.#holdTimer);
    this.#rewrite = null;
    this.#held = [];
  }

  #pass(chunk: Buffer): boolean {
    this.#hasBody = true;
    return this.#pipe ? this.#pipe.input.write(chunk) : this.#send(this.#rewritten(chunk));
  }

  /** Breaks off so that the browser cannot take what it has for the whole. */
  cut(): void {
    const { req, socket } = this.#response;
    // Without chunks an orderly end would be the end of the body; front doors still speak HTTP/1.0.
    const canReset = socket?.remoteAddress !== undefined && !("encrypted" in socket);
    if (req.httpVersion === "1.0" && canReset) socket.resetAndDestroy();
    destroyResponse(this.#response);
  }

  #open(pipe: BodyPipe): void {
    this.#pipe = pipe;
    this.#follow();
    const { input, output } = pipe;
    input.on("drain", this.#onDrain);
    input.on("error", this.#onBroken);
    output.on("error", this.#onBroken);
    output.on("data", (chunk: Buffer) => {
      if (this.#send(chunk)) return;
      output.pause();
      this.#watch();
    });
    output.on("end", () => this.#response.end());
  }

  #rewritten(chunk: Buffer): Buffer {
    return this.#rewriter ? this.#rewriter.write(chunk) : chunk;
  }

  #send(chunk: Buffer): boolean {
    if (chunk.length === 0) return true;
    this.bytes += chunk.length;
    if (this.bytes > chunk.length && chunk.length <= largestRecord) this.#gather();
    // Earned by: bench 1MB and 50MB. node's mark is lower than one piece of a large body, so each would be waited for.
    if (this.#writeOnce(chunk)) return true;
    // Behind an earlier answer of its connection, where there can be many of them, nothing goes out at all.
    return this.#response.socket !== null && this.#response.writableLength < mostWaiting;
  }

  /** Writes a piece whose memory is returned when it has gone out, unless somebody of the host sees what is written. */
  #writeOnce(chunk: Buffer): boolean {
    if (!isReturnable(chunk) || !isAnsweredStraight(this.#response)) return this.#response.write(chunk);
    return this.#response.write(chunk, (error) => {
      if (!error) returnMemory(chunk);
    });
  }

  /**
   * What comes until the end of this turn goes out in one write. Earned by: bench tls/1MB. The socket waits and not the
   * response: a response of Node 22 that waits writes the end of a body before its last piece, and forgets `drain`.
   */
  #gather(): void {
    if (this.#gathering) return;
    // Those of HTTP/2 and of adapters are streams, which have no such faults.
    this.#gathering = this.#response instanceof ServerResponse ? this.#response.socket : this.#response;
    this.#gathering?.cork();
    if (this.#gathering) setImmediate(this.#letGo);
  }

  #letGo = (): void => {
    this.#gathering?.uncork();
    this.#gathering = null;
  };

  /** node keeps a head back until the body begins; that of an event stream may take its time. product C5 */
  #flushHead = (): void => {
    if (!this.#hasBody && !this.#response.destroyed) this.#response.flushHeaders();
  };

  #onDrain = (): void => {
    this.#stall?.stop();
    this.#pipe?.output.resume();
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  };

  #onBroken = (): void => this.cut();

  /** Earned by: bench 200B. Most answers are never waited for, and nobody has to hear of their ends. */
  #follow(): void {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    this.#response.on("drain", this.#onDrain);
    this.#response.on("close", this.#release);
  }

  #watch(): void {
    this.#follow();
    this.#stall ??= new Countdown();
    if (!this.#stall.isRunning) this.#stall.start(this.#stallLimit, this.#onBroken);
  }

  #release = (): void => {
    this.#stall?.close();
    if (this.#pipe && !this.#pipe.output.readableEnded) {
      this.#pipe.output.destroy();
      this.#pipe.input.destroy();
    }
  };
}
