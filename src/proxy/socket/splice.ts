import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { goesStraightOut, isHeardOnce, isReturnable, returnMemory } from "../../kernel/return-memory.ts";
import { encodeClose } from "../../ws/close-frame.ts";
import { createFrameTracker } from "../../ws/frame-boundary.ts";
import { endSoon } from "./end-socket.ts";
import { beatsOfIdle } from "./live-sockets.ts";

/** The two ends of a spliced socket. */
export interface SpliceEnds {
  /** Towards the browser. */
  readonly downstream: Socket;
  /** Towards the tenant; paused until the splice starts. */
  readonly upstream: Socket;
}

/** Hears what a spliced socket does. */
export interface SpliceOwner {
  /** The code for an upstream that went away without a close frame. rules R11 */
  codeForLoss(): 4003 | 4206;
  /** A data frame of the browser: use of the session. rules R3 */
  used(): void;
  /** Called once. */
  closed(report: SpliceReport): void;
}

/** What a spliced socket did. */
export interface SpliceReport {
  /** The code that we sent; 0 where the two ends closed by themselves. */
  readonly code: number;
  /** Why we closed, as the browser was told in JSON; empty where the two ends closed by themselves. */
  readonly reason: string;
  readonly bytesDown: number;
  readonly bytesUp: number;
  /** Whether the tenant's first frame was a close with 4203, "no permission". rules R5 */
  readonly refused: boolean;
}

/** How long a frame under way may take to end before our close frame is given up. Milliseconds; rules R13 */
const boundaryWait = 250;

/** How long the browser may take to echo our close frame. Milliseconds; rules R13 */
const echoWait = 1000;

/** How long the tenant may take to end its side after the browser ended its own, or to send more. Milliseconds. */
const halfCloseWait = 5000;

/** Sockets whose upstream was lost are closed within this. Milliseconds. */
const lossSpread = 200;

/** Silence after which the kernel asks whether the peer is still there. Milliseconds. */
const keepAliveDelay = 30_000;

/** Where a socket keeps the splice that it is an end of. */
const its = Symbol("splice");

type SplicedSocket = Socket & { [its]: Splice };

/** What an end does at an event of its socket. */
type Listeners = Readonly<
  Record<"data" | "drain" | "end" | "error" | "close", (this: SplicedSocket, chunk: Buffer) => void>
>;

/**
 * Moves bytes between browser and tenant as they are; frames are tracked by their headers only, so that a close frame
 * of ours can land between two of them. rules R13
 *
 * Neither side is read faster than the other takes it: it is paused while there are bytes that the kernel did not take.
 *
 * The listeners are the same functions for all splices, and what they know is in fields: closures would be the larger part
 * of what we keep for an idle socket. Earned by: bench idle-sockets
 */
export class Splice {
  readonly #downstream: Socket;
  readonly #upstream: Socket;
  readonly #owner: SpliceOwner;
  readonly #down = createFrameTracker({ masked: false });
  readonly #up = createFrameTracker({ masked: true });
  #state: "open" | "closing" | "closed" = "open";
  #close: { readonly code: number; readonly frame: Buffer } | null = null;
  #code = 0;
  #reason = "";
  #bytesDown = 0;
  #bytesUp = 0;
  #usedFrames = 0;
  #refused = false;
  /** Beats since the last byte. */
  #quiet = 0;
  #closeTimer: NodeJS.Timeout | null = null;

  constructor({ downstream, upstream }: SpliceEnds, owner: SpliceOwner) {
    this.#downstream = downstream;
    this.#upstream = upstream;
    this.#owner = owner;
    this.#listen(upstream, Splice.#atUpstream);
    this.#listen(downstream, Splice.#atDownstream);
  }

  static readonly #atUpstream: Listeners = {
    data(chunk) {
      this[its].#fromUpstream(chunk);
    },
    drain() {
      this[its].#downstream.resume();
    },
    end() {
      this[its].#upstreamEnded();
    },
    error() {
      this[its].#upstreamEnded();
    },
    close() {
      this[its].#upstreamEnded();
    },
  };

  static readonly #atDownstream: Listeners = {
    data(chunk) {
      this[its].#fromDownstream(chunk);
    },
    drain() {
      this[its].#upstream.resume();
    },
    end() {
      this[its].#downstreamEnded();
    },
    error() {
      this[its].#destroy();
    },
    close() {
      this[its].#destroy();
    },
  };

  #listen(socket: Socket, listeners: Listeners): void {
    const spliced = Object.assign(socket, { [its]: this as Splice });
    spliced.setTimeout(0);
    spliced.setNoDelay(true);
    spliced.setKeepAlive(true, keepAliveDelay);
    spliced.on("data", listeners.data);
    spliced.on("drain", listeners.drain);
    spliced.on("end", listeners.end);
    spliced.on("error", listeners.error);
    spliced.on("close", listeners.close);
  }

  /** Takes the bytes that came in the same packets as the two handshakes. */
  start(heads: { readonly downstream: Buffer; readonly upstream: Buffer }): void {
    if (heads.upstream.length > 0) this.#fromUpstream(heads.upstream);
    if (heads.downstream.length > 0) this.#fromDownstream(heads.downstream);
    if (!this.#downstream.writableNeedDrain) this.#upstream.resume();
  }

  get bytesDown(): number {
    return this.#bytesDown;
  }

  get bytesUp(): number {
    return this.#bytesUp;
  }

  beat(): void {
    this.#quiet += 1;
    if (this.#quiet > beatsOfIdle) this.close(4205, JSON.stringify({ code: "QSP-IDLE" }));
  }

  close(code: number, reason: string): void {
    if (this.#state !== "open") return;
    if (this.#closeTimer) clearTimeout(this.#closeTimer);
    this.#state = "closing";
    this.#code = code;
    this.#reason = reason;
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
    if (this.#state === "closed") return;
    this.#quiet = 0;
    // While nothing is closing it runs for a browser that has ended its side.
    if (this.#state === "open") this.#closeTimer?.refresh();
    if (this.#bytesDown === 0) this.#refused = isRefusal(chunk);
    const cut = this.#close !== null && !this.#down.closeSeen ? this.#down.nextBoundary(chunk) : -1;
    const sent = cut === -1 ? chunk : chunk.subarray(0, cut);
    this.#bytesDown += sent.length;
    this.#down.push(sent);
    if (this.#down.broken) return this.#destroy();
    const hasRoom = passOn(this.#upstream, this.#downstream, sent);
    if (cut !== -1 && !this.#down.closeSeen) this.#sendClose();
    else if (!hasRoom) this.#upstream.pause();
  }

  #fromDownstream(chunk: Buffer): void {
    if (this.#state === "closed") return;
    this.#quiet = 0;
    this.#up.push(chunk);
    if (this.#up.broken) return this.#destroy();
    // From our decision on, nothing goes to the tenant, the echoed close frame included.
    if (this.#state === "closing") {
      if (this.#up.closeSeen) this.#destroyAfterEcho();
      return;
    }
    if (this.#up.dataFrames !== this.#usedFrames) {
      this.#usedFrames = this.#up.dataFrames;
      this.#owner.used();
    }
    this.#bytesUp += chunk.length;
    if (!passOn(this.#downstream, this.#upstream, chunk)) this.#downstream.pause();
  }

  #sendClose(): void {
    const downstream = this.#downstream;
    const upstream = this.#upstream;
    const close = this.#close;
    if (!close) return;
    this.#close = null;
    if (this.#closeTimer) clearTimeout(this.#closeTimer);
    downstream.write(close.frame);
    // A tenant that is told 1000 ends the engine session; one that is cut off keeps it for its ttl. rules R13
    if (close.code === 4203 && this.#up.atBoundary) upstream.end(encodeClose(1000, "", randomBytes(4)));
    else upstream.destroy();
    upstream.off("data", Splice.#atUpstream.data);
    upstream.resume();
    downstream.resume();
    this.#closeTimer = setTimeout(() => {
      if (downstream.writableLength > 0) this.#destroy();
      else this.#closeTimer = setTimeout(() => this.#destroyAfterEcho(), echoWait - boundaryWait);
    }, boundaryWait);
  }

  #destroyAfterEcho(): void {
    this.#downstream.end();
    this.#destroy();
  }

  #downstreamEnded(): void {
    endOnce(this.#upstream);
    this.#closeTimer ??= setTimeout(() => this.#destroy(), halfCloseWait);
  }

  #upstreamEnded(): void {
    if (this.#state !== "open") return;
    // Both have ended; what is still to go out has the rest of the time that a half-closed socket has.
    if (this.#downstream.readableEnded) return endOnce(this.#downstream);
    if (this.#down.closeSeen || this.#up.closeSeen) {
      endOnce(this.#downstream);
      this.#closeTimer ??= setTimeout(() => this.#destroy(), echoWait);
      return;
    }
    this.#downstream.pause();
    // Spread, because one lost tenant connection seldom comes alone. rules R11
    const close = (): void => this.close(this.#owner.codeForLoss(), JSON.stringify({ code: "QSP-UPSTREAM" }));
    this.#closeTimer ??= setTimeout(close, Math.random() * lossSpread);
  }

  #destroy(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    if (this.#closeTimer) clearTimeout(this.#closeTimer);
    this.#upstream.destroy();
    if (this.#downstream.writableEnded) endSoon(this.#downstream);
    else this.#downstream.destroy();
    this.#owner.closed({
      code: this.#code,
      reason: this.#reason,
      bytesDown: this.#bytesDown,
      bytesUp: this.#bytesUp,
      refused: this.#refused,
    });
  }
}

/**
 * Passes a chunk on; false where the one that it comes from has to wait. A stream also calls itself full when a large piece
 * went out at once, for which a pause is not worth it. Earned by: bench stream
 */
function passOn(from: Socket, to: Socket, chunk: Buffer): boolean {
  const hasRoom = to.write(chunk);
  if (to.writableLength > 0) return hasRoom;
  if (isReturnable(chunk) && goesStraightOut(to) && isHeardOnce(from)) returnMemory(chunk);
  return true;
}

/** A stream that is ended again makes an error with a stack, though nobody hears of it. Earned by: bench handshakes */
function endOnce(socket: Socket): void {
  if (!socket.writableEnded) socket.end();
}

/** An unmasked close frame with code 4203 at the very start. */
function isRefusal(chunk: Buffer): boolean {
  return chunk.length >= 4 && chunk[0] === 0x88 && (chunk[1] ?? 0) >= 2 && chunk.readUInt16BE(2) === 4203;
}
