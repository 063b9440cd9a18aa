import type { ErrorCode } from "../errors.ts";
import { randomId } from "../kernel/random.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Seal } from "../store/seal.ts";
import type { ToldEndsOf } from "./ends.ts";
import type { SessionStore } from "../store/session-store.ts";

/** What nodes tell each other. Times are the store's clock. */
export type Notice =
  /** Something of a subject was ended: these sessions, and what the document says. */
  | {
      readonly kind: "ended";
      readonly tag: string;
      readonly sessions: readonly { readonly key: string; readonly birth: string }[];
      readonly reason: string;
      /** The ends that the document holds now. */
      readonly ends: ToldEndsOf;
    }
  /** The index key was written anew, or a node that starts finds none and asks. */
  | { readonly kind: "index" }
  /** A session was begun, renewed or changed. */
  | { readonly kind: "changed"; readonly key: string; readonly version: number }
  /** A login failed; who waits for it is answered alike. */
  | {
      readonly kind: "failed";
      readonly key: string;
      readonly code: ErrorCode;
      readonly retryAfter: number | null;
    };

/** What the bus needs. */
export interface BusOptions {
  readonly store: SessionStore;
  readonly seal: Seal;
  readonly clock: Clock;
  /** A call of the store with its limit on time. */
  readonly ask: <T>(call: () => Promise<T>) => Promise<T>;
  readonly hear: (notice: Notice) => void;
  /** Messages may have been lost: what was learned before may be out of date. */
  readonly doubted: (soundSince: number, soundUntil: number) => void;
  /** Messages come again. */
  readonly trusted: () => void;
}

/** What goes over the bus: a notice, or null for a beat. */
interface Message {
  readonly node: string;
  /** Counts the messages of this node, from 1. */
  readonly sequence: number;
  readonly notice: Notice | null;
  /** The node stops now, and will not be missed. */
  readonly isLast: boolean;
}

/** How often a node says that it is there. Milliseconds: three times in the silence that means doubt. */
const beatEvery = 300;

/** So long without a message and messages are taken to be lost. Milliseconds; rules R1 */
const silence = 1000;

/** A node that fell silent without a goodbye is waited for; then it is taken for dead. Milliseconds. */
const missedFor = 10_000;

/** Nodes whose numbers are remembered; one that was silent for long has gone. */
const mostNodes = 1000;

const place = "bus";

/**
 * Carries notices between nodes, and knows when it may have lost one: every node counts its messages and beats, so that
 * a gap shows with the next beat and a cut after a second of silence. rules R1
 */
export class Bus {
  readonly #options: BusOptions;
  /** Of this process: numbers are compared within one node only. */
  readonly #node = randomId(9);
  readonly #heard = new Map<string, { sequence: number; at: number }>();
  /** Nodes that fell silent without a goodbye: dead, or cut off from this one only. */
  readonly #missing = new Map<string, number>();
  /** Whether nothing came since the last doubt. */
  #isDoubted = true;
  #sequence = 0;
  #lastHeardAt: number;
  #soundSince: number | null = null;
  #stop: (() => void) | null = null;
  #cancelBeat = (): void => {};

  constructor(options: BusOptions) {
    this.#options = options;
    this.#lastHeardAt = options.clock.now();
  }

  /** Since when no message was lost, by this node's clock; null while some may be, also where no timer could say so. */
  get soundSince(): number | null {
    const { store, clock } = this.#options;
    if (store.reach !== "nodes") return 0;
    return Math.abs(clock.now() - this.#lastHeardAt) > silence ? null : this.#soundSince;
  }

  /** When the last message came. */
  get lastHeardAt(): number {
    return this.#lastHeardAt;
  }

  start(): void {
    if (this.#stop || this.#options.store.reach !== "nodes") return;
    this.#stop = this.#options.store.subscribe((message) => this.#receive(message));
    this.#beat();
  }

  /** Tells the others; the store's failure is told by the bus's own silence. */
  async tell(notice: Notice): Promise<void> {
    if (this.#options.store.reach === "nodes") await this.#send(notice);
  }

  /** Says goodbye, so that nobody takes the silence that follows for a loss. */
  stop(): void {
    if (this.#stop === null) return;
    this.#cancelBeat();
    this.#stop();
    this.#stop = null;
    this.#send(null, true).catch(() => {});
  }

  #beat(): void {
    this.#cancelBeat = this.#options.clock.setTimer(beatEvery, () => this.#beat());
    this.#look();
    this.#send(null).catch(() => {});
  }

  async #send(notice: Notice | null, isLast = false): Promise<void> {
    const { store, seal, ask } = this.#options;
    this.#sequence += 1;
    const text = JSON.stringify({ node: this.#node, sequence: this.#sequence, notice, isLast });
    await ask(() => store.publish(seal.seal(place, text)));
  }

  #receive(message: string): void {
    const parsed = this.#opened(message);
    if (parsed === null) return;
    const { clock, hear, trusted } = this.#options;
    const now = clock.now();
    this.#look();
    this.#lastHeardAt = now;
    const missingSince = this.#missingSince(parsed.node, parsed.sequence, now);
    if (missingSince !== null) this.#doubt(missingSince);
    this.#missing.delete(parsed.node);
    if (this.#soundSince === null && this.#missing.size === 0) this.#soundSince = now;
    if (this.#isDoubted) {
      this.#isDoubted = false;
      trusted();
    }
    if (parsed.isLast) this.#heard.delete(parsed.node);
    if (parsed.notice === null) return;
    try {
      hear(parsed.notice);
    } catch {
      // A word of a later version, not understood: it is as if it had been lost.
      this.#doubt(now);
    }
  }

  /** Since when something of that node is missing; one who is heard for the first time may have said more before. */
  #missingSince(node: string, sequence: number, now: number): number | null {
    const before = this.#heard.get(node);
    if (before && sequence <= before.sequence) return null;
    this.#heard.delete(node);
    this.#heard.set(node, { sequence, at: now });
    if (this.#heard.size > mostNodes) this.#heard.delete(this.#heard.keys().next().value ?? node);
    if (before) return sequence === before.sequence + 1 ? null : before.at;
    return sequence === 1 ? null : 0;
  }

  /** Silence of all means a cut; silence of one that it has gone, or that its messages do not come any more. */
  #look(): void {
    const now = this.#options.clock.now();
    const gone = [...this.#heard].filter(([, { at }]) => now - at > silence);
    for (const [node] of gone) {
      this.#heard.delete(node);
      this.#missing.set(node, now);
    }
    for (const [node, since] of this.#missing) if (now - since > missedFor) this.#missing.delete(node);
    // A clock that was set back cannot tell what came after what.
    const isSetBack = now < (this.#soundSince ?? now);
    if (now - this.#lastHeardAt > silence || gone.length > 0 || isSetBack) {
      this.#doubt(Math.min(this.#lastHeardAt, ...gone.map(([, { at }]) => at)));
    }
  }

  #doubt(until: number): void {
    this.#isDoubted = true;
    const since = this.#soundSince;
    if (since === null) return;
    this.#soundSince = null;
    this.#options.doubted(since, until);
  }

  #opened(message: string): Message | null {
    const opened = this.#options.seal.open(place, message);
    if (opened === null) return null;
    try {
      return JSON.parse(opened.text) as Message;
    } catch {
      return null;
    }
  }
}
