import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { encodeClose } from "../ws/close-frame.ts";
import { createFrameTracker } from "../ws/frame-boundary.ts";
import { endSoon } from "./end-socket.ts";
import type { LiveSocket } from "./live-sockets.ts";

/** Both ends of a spliced socket, and who hears of it. */
export interface SpliceOptions {
  /** Towards the browser. */
  readonly downstream: Socket;
  /** Towards the tenant. */
  readonly upstream: Socket;
  /** Milliseconds without a byte either way; the socket is then closed with 4205. */
  readonly idle: number;
  /** The code for an upstream that went away without a close frame. rules R11 */
  readonly codeForLoss: () => 4003 | 4206;
  /** A data frame of the browser: use of the session. rules R3 */
  readonly onUse: () => void;
  readonly onClosed: (report: SpliceReport) => void;
}

/** What a spliced socket did. */
export interface SpliceReport {
  /** The code that we sent; 0 where the two ends closed by themselves. */
  readonly code: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** Whether the tenant's first frame was a close with 4203, "no permission". rules R5 */
  readonly refused: boolean;
}

/** How long a frame under way may take to end before our close frame is given up. Milliseconds; rules R13 */
const boundaryWait = 250;

/** How long the browser may take to echo our close frame. Milliseconds; rules R13 */
const echoWait = 1000;

/** How long the tenant may take to end its side after the browser ended its own. Milliseconds. */
const halfCloseWait = 5000;

/** Sockets whose upstream was lost are closed within this. Milliseconds. */
const lossSpread = 200;

/** Silence after which the kernel asks whether the peer is still there. Milliseconds. */
const keepAliveDelay = 30_000;

/**
 * Moves bytes between browser and tenant as they are; frames are tracked by their headers only, so that a close frame
 * of ours can land between two of them. rules R13
 *
 * Neither side is read faster than the other takes it.
 */
export class Splice implements LiveSocket {
  readonly #options: SpliceOptions;
  readonly #down = createFrameTracker({ masked: false });
  readonly #up = createFrameTracker({ masked: true });
  #state: "open" | "closing" | "closed" = "open";
  #close: { readonly code: number; readonly frame: Buffer } | null = null;
  #code = 0;
  #bytesDown = 0;
  #bytesUp = 0;
  #usedFrames = 0;
  #refused = false;
  #lastByteAt = performance.now();
  #idleTimer: NodeJS.Timeout;
  #closeTimer: NodeJS.Timeout | null = null;

  constructor(options: SpliceOptions) {
    this.#options = options;
    const { downstream, upstream } = options;
    for (const side of [downstream, upstream]) tune(side);
    upstream.on("data", (chunk: Buffer) => this.#fromUpstream(chunk));
    downstream.on("data", (chunk: Buffer) => this.#fromDownstream(chunk));
    upstream.on("drain", () => downstream.resume());
    downstream.on("drain", () => upstream.resume());
    upstream.on("end", () => this.#upstreamEnded());
    downstream.on("end", () => this.#downstreamEnded());
    upstream.on("error", () => this.#upstreamEnded());
    downstream.on("error", () => this.#destroy());
    upstream.on("close", () => this.#upstreamEnded());
    downstream.on("close", () => this.#destroy());
    this.#idleTimer = setTimeout(() => this.#onIdle(), options.idle);
    this.#idleTimer.unref();
  }

  /** Takes the bytes that came in the same packets as the two handshakes. */
  start(heads: { readonly downstream: Buffer; readonly upstream: Buffer }): void {
    if (heads.upstream.length > 0) this.#fromUpstream(heads.upstream);
    if (heads.downstream.length > 0) this.#fromDownstream(heads.downstream);
  }

  close(code: number, reason: string): void {
    if (this.#state !== "open") return;
    if (this.#closeTimer) clearTimeout(this.#closeTimer);
    this.#state = "closing";
    this.#code = code;
    if (this.#down.closeSeen || this.#up.closeSeen) {
      // The two ends are closing by themselves; they get the time for it, and nothing else.
      this.#closeTimer = setTimeout(() => this.#destroy(), echoWait);
      return;
    }
    this.#close = { code, frame: encodeClose(code, reason) };
    if (this.#down.atBoundary) this.#sendClose();
    else this.#closeTimer = setTimeout(() => this.#destroy(), boundaryWait);
  }

  #fromUpstream(chunk: Buffer): void {
    const { downstream, upstream } = this.#options;
    if (this.#state === "closed") return;
    this.#lastByteAt = performance.now();
    if (this.#bytesDown === 0) this.#refused = isRefusal(chunk);
    const cut = this.#close && !this.#down.closeSeen ? this.#down.nextBoundary(chunk) : -1;
    const sent = cut === -1 ? chunk : chunk.subarray(0, cut);
    this.#bytesDown += sent.length;
    this.#down.push(sent);
    if (this.#down.broken) return this.#destroy();
    const room = downstream.write(sent);
    if (cut !== -1 && !this.#down.closeSeen) this.#sendClose();
    else if (!room) upstream.pause();
  }

  #fromDownstream(chunk: Buffer): void {
    const { downstream, upstream, onUse } = this.#options;
    if (this.#state === "closed") return;
    this.#lastByteAt = performance.now();
    this.#up.push(chunk);
    if (this.#up.broken) return this.#destroy();
    // From our decision on, nothing goes to the tenant, the echoed close frame included.
    if (this.#state === "closing") {
      if (this.#up.closeSeen) this.#destroyAfterEcho();
      return;
    }
    this.#bytesUp += chunk.length;
    if (this.#up.dataFrames !== this.#usedFrames) {
      this.#usedFrames = this.#up.dataFrames;
      onUse();
    }
    if (!upstream.write(chunk)) downstream.pause();
  }

  #sendClose(): void {
    const { downstream, upstream } = this.#options;
    const close = this.#close;
    if (!close) return;
    this.#close = null;
    if (this.#closeTimer) clearTimeout(this.#closeTimer);
    downstream.write(close.frame);
    // A tenant that is told 1000 ends the engine session; one that is cut off keeps it for its ttl. rules R13
    if (close.code === 4203 && this.#up.atBoundary) upstream.end(encodeClose(1000, "", randomBytes(4)));
    else upstream.destroy();
    upstream.removeAllListeners("data");
    upstream.resume();
    downstream.resume();
    this.#closeTimer = setTimeout(() => {
      if (downstream.writableLength > 0) this.#destroy();
      else this.#closeTimer = setTimeout(() => this.#destroyAfterEcho(), echoWait - boundaryWait);
    }, boundaryWait);
  }

  #destroyAfterEcho(): void {
    this.#options.downstream.end();
    this.#destroy();
  }

  #downstreamEnded(): void {
    this.#options.upstream.end();
    this.#closeTimer ??= setTimeout(() => this.#destroy(), halfCloseWait);
  }

  #upstreamEnded(): void {
    const { downstream, codeForLoss } = this.#options;
    if (this.#state !== "open") return;
    // Both have ended; what is still to go out has the rest of the time that a half-closed socket has.
    if (downstream.readableEnded) return void downstream.end();
    if (this.#down.closeSeen || this.#up.closeSeen) {
      downstream.end();
      this.#closeTimer ??= setTimeout(() => this.#destroy(), echoWait);
      return;
    }
    downstream.pause();
    // Spread, because one lost tenant connection seldom comes alone. rules R11
    const close = (): void => this.close(codeForLoss(), JSON.stringify({ code: "QSP-UPSTREAM" }));
    this.#closeTimer ??= setTimeout(close, Math.random() * lossSpread);
  }

  #onIdle(): void {
    const left = this.#lastByteAt + this.#options.idle - performance.now();
    if (left <= 0) return this.close(4205, JSON.stringify({ code: "QSP-IDLE" }));
    this.#idleTimer = setTimeout(() => this.#onIdle(), left);
    this.#idleTimer.unref();
  }

  #destroy(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#idleTimer);
    if (this.#closeTimer) clearTimeout(this.#closeTimer);
    const { downstream, upstream, onClosed } = this.#options;
    upstream.destroy();
    if (downstream.writableEnded) endSoon(downstream);
    else downstream.destroy();
    onClosed({
      code: this.#code,
      bytesDown: this.#bytesDown,
      bytesUp: this.#bytesUp,
      refused: this.#refused,
    });
  }
}

/** An unmasked close frame with code 4203 at the very start. */
function isRefusal(chunk: Buffer): boolean {
  return chunk.length >= 4 && chunk[0] === 0x88 && (chunk[1] ?? 0) >= 2 && chunk.readUInt16BE(2) === 4203;
}

function tune(side: Socket): void {
  side.setTimeout(0);
  side.setNoDelay(true);
  side.setKeepAlive(true, keepAliveDelay);
}
