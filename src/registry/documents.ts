import { SessionProxyError } from "../errors.ts";
import { publish } from "../kernel/channels.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Seal } from "../store/seal.ts";
import type { SessionStore, WriteOutcome } from "../store/session-store.ts";

/** What the documents are made from. */
export interface DocumentsOptions {
  readonly store: SessionStore;
  readonly seal: Seal;
  readonly clock: Clock;
  /** Milliseconds for one call of the store. */
  readonly timeout: number;
  /** Milliseconds that a document is kept after it was written. */
  readonly keepFor: number;
  /** Whether it is reached over a network: its calls are bounded, and somebody calls all the time and notices its return. */
  readonly isRemote: boolean;
  /** The store has stopped answering, or answers again. */
  readonly changed: (isReachable: boolean) => void;
  /** A document cannot be read: another secret, another version of the product, or damage. */
  readonly unreadable: (name: string) => void;
}

/** A document that was read. */
export interface Reading {
  /** The opened text; null where there is none, or none that can be read. */
  readonly text: string | null;
  readonly version: number;
  /** The store's clock. */
  readonly now: number;
  /** This node's clock minus the store's; add it to a time of the store. */
  readonly offset: number;
  /** Whether it should be sealed anew, with the present secret. */
  readonly isOldSeal: boolean;
}

/** A step from one state of a document to the next; without `text` nothing is written. */
export interface Change<T> {
  readonly text?: string;
  readonly outcome: T;
  /** Milliseconds that the document is kept, where that is longer than usual; also if it is only sealed anew. */
  readonly keepFor?: number;
}

/** So many lost comparisons in a row are a fault and not a contest: each loser means that somebody else got on. */
const mostTries = 100;

/** A store lists its names in its own time, but not for ever. Milliseconds: longer than a store of ours gives itself. */
const longestList = 25_000;

/** A store counts as back when nothing failed for so long. Milliseconds. */
const quiet = 1000;

/** What a store is asked for. */
export type StoreOperation = "read" | "write" | "names" | "publish";

/** Opens and seals the documents of a store, and changes them by compare and swap. */
export class Documents {
  readonly #options: DocumentsOptions;
  /** Resolves when the store is back. */
  #untilUp: Promise<void> = Promise.resolve();
  #tellUp = (): void => {};
  #downSince: number | null = null;
  /** Whether the failure was told, and the return was not. */
  #isLost = false;
  #lostAt: number | null = null;
  #missedAt = 0;
  #isWatched = false;
  #offset = 0;

  constructor(options: DocumentsOptions) {
    this.#options = options;
  }

  /** When the store stopped answering, by this node's clock; null while it answers. */
  get downSince(): number | null {
    return this.#downSince;
  }

  /** Whether the store answers, all of it, and has done so for a moment. */
  get isSound(): boolean {
    return !this.#isLost;
  }

  /** When the store was last lost, by this node's clock; null for never. */
  get lostAt(): number | null {
    return this.#lostAt;
  }

  /** This node's clock minus the store's, at the last answer. */
  get offset(): number {
    return this.#offset;
  }

  /** Reads a document. @throws SessionProxyError `QSP-STORE` */
  async read(name: string): Promise<Reading> {
    const { store, seal, clock, unreadable, isRemote } = this.#options;
    let askedAt = clock.now();
    const { version, value, now } = await this.ask("read", () => {
      askedAt = clock.now();
      return store.read(name);
    });
    // The answer was made about half-way; in this process there is but one clock.
    const offset = isRemote ? Math.round((askedAt + clock.now()) / 2) - now : 0;
    this.#offset = offset;
    if (value === null) return { text: null, version, now, offset, isOldSeal: false };
    const opened = seal.open(name, value);
    if (opened === null) unreadable(name);
    return {
      text: opened?.text ?? null,
      version,
      now,
      offset,
      isOldSeal: opened !== null && !opened.isCurrent,
    };
  }

  /**
   * Changes a document: `step` is asked again whenever somebody else was faster.
   *
   * @throws SessionProxyError `QSP-STORE`; the change may have been made all the same
   */
  async change<T>(name: string, step: (reading: Reading) => Change<T>): Promise<T> {
    const { store, seal, keepFor: usual } = this.#options;
    for (let tries = 0; tries < mostTries; tries += 1) {
      const reading = await this.read(name);
      const { text = reading.isOldSeal ? reading.text : null, outcome, keepFor = 0 } = step(reading);
      if (text === null) return outcome;
      const { written }: WriteOutcome = await this.ask("write", () =>
        store.write(name, {
          version: reading.version,
          readAt: reading.now,
          value: seal.seal(name, text),
          keepFor: Math.max(usual, keepFor),
        }),
      );
      if (written) return outcome;
    }
    throw storeError(new Error(`the document was changed by others ${mostTries} times in a row`));
  }

  /**
   * The names that begin with `prefix`. Of a large store that is many calls, which the limit on one would cut off; and that
   * the list takes too long says nothing about the documents.
   *
   * @throws SessionProxyError `QSP-STORE`
   */
  async names(prefix: string): Promise<readonly string[]> {
    await this.#untilReached();
    const { clock, store } = this.#options;
    const startedAt = clock.now();
    try {
      const names = await this.#bounded(store.names(prefix), longestList);
      tellCall("names", "ok", clock.now() - startedAt);
      return names;
    } catch (cause) {
      tellCall("names", "failed", clock.now() - startedAt);
      throw cause instanceof SessionProxyError ? cause : storeError(cause);
    }
  }

  /**
   * One call of the store, for so long as it may take. While the store is known to be down, it waits for its return for
   * as long, and leaves it to the probe to look: a store that hangs must not hold up every request.
   *
   * @throws SessionProxyError `QSP-STORE`
   */
  async ask<T>(operation: StoreOperation, call: () => Promise<T>): Promise<T> {
    await this.#untilReached();
    return this.probe(operation, call);
  }

  /** A call that is made whether the store is known to be down or not. @throws SessionProxyError `QSP-STORE` */
  async probe<T>(operation: StoreOperation, call: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const startedAt = clock.now();
    try {
      const answer = await this.#bounded(call());
      this.#reached();
      tellCall(operation, isConflict(answer) ? "conflict" : "ok", clock.now() - startedAt);
      return answer;
    } catch (cause) {
      this.#missed();
      tellCall(operation, "failed", clock.now() - startedAt);
      throw cause instanceof SessionProxyError ? cause : storeError(cause);
    }
  }

  async #untilReached(): Promise<void> {
    if (this.#downSince !== null && this.#options.isRemote) await this.#bounded(this.#untilUp);
  }

  /** A store in this process answers in its time or not at all. */
  async #bounded<T>(work: Promise<T>, timeout = this.#options.timeout): Promise<T> {
    const { clock, isRemote } = this.#options;
    if (!isRemote) return work;
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      const giveUp = (): void => reject(storeError(new Error(`no answer in ${timeout} ms`)));
      // Where the process was held up, an answer may have come that nobody has read yet.
      cancel = clock.setTimer(timeout, () => (cancel = clock.setTimer(0, giveUp)));
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      cancel();
    }
  }

  #reached(): void {
    if (this.#downSince !== null) {
      this.#downSince = null;
      this.#tellUp();
    }
    if (this.#isLost && !this.#isWatched) this.#tellWhenQuiet(quiet);
  }

  #missed(): void {
    const now = this.#options.clock.now();
    this.#missedAt = now;
    if (this.#downSince === null) {
      this.#downSince = now;
      this.#untilUp = new Promise((resolve) => (this.#tellUp = resolve));
    }
    if (this.#isLost) return;
    this.#isLost = true;
    this.#lostAt = now;
    this.#options.changed(false);
  }

  /** A store that fails in part answers and fails by turns; it counts as back when nothing failed for a while. */
  #tellWhenQuiet(wait: number): void {
    const { clock, changed } = this.#options;
    this.#isWatched = true;
    clock.setTimer(wait, () => {
      this.#isWatched = false;
      const left = this.#missedAt + quiet - clock.now();
      if (this.#downSince !== null) return;
      if (left > 0) return this.#tellWhenQuiet(Math.min(left, quiet));
      this.#isLost = false;
      changed(true);
    });
  }
}

/** Whether others wrote a document first. */
const isConflict = (answer: unknown): boolean =>
  typeof answer === "object" && answer !== null && "written" in answer && answer.written === false;

const tellCall = (operation: StoreOperation, outcome: "ok" | "conflict" | "failed", ms: number): void =>
  publish("store", () => ({ event: "store.called", level: "debug", operation, outcome, ms }));

/** The store cannot be reached. */
export function storeError(cause: unknown): SessionProxyError {
  const reason = cause instanceof Error ? cause.message.split("\n")[0] : undefined;
  return new SessionProxyError("QSP-STORE", {
    retryAfter: 1,
    cause,
    ...(reason === undefined ? {} : { reason: `the session store: ${reason}` }),
  });
}
