/** A document as a store has it. */
export interface StoredDocument {
  /** Goes up with every write, also past the loss of a document; 0 where there is none. */
  readonly version: number;
  /** The sealed text; null where there is none. */
  readonly value: string | null;
  /** The store's clock when it answered. Milliseconds since the Unix epoch. */
  readonly now: number;
}

/** A document to be written in the place of the one that was read. */
export interface DocumentWrite {
  /** The version that was read. */
  readonly version: number;
  /** The store's clock when it was read; a write that comes much later is refused. */
  readonly readAt: number;
  readonly value: string;
  /** How long the document is kept from now on. Milliseconds. */
  readonly keepFor: number;
}

/** What became of a write. */
export interface WriteOutcome {
  /** False where another version was written in the meantime, or the reading is too old. */
  readonly written: boolean;
  /** The store's clock when it answered. Milliseconds since the Unix epoch. */
  readonly now: number;
}

/**
 * Keeps sealed documents under names, and carries messages between the nodes that share it.
 *
 * It knows nothing of sessions: what a document means, and who may write it when, is decided by its users, who compare
 * and swap. Every call rejects if the store cannot be reached, and may do so after the work was done. Names match
 * `[a-z0-9.-]{1,100}`; values are text without control characters.
 */
export interface SessionStore {
  /**
   * Who shares it: "process" = nobody, gone with the process; "host" = nobody, but the next process of this machine;
   * "nodes" = every node that names the same store.
   */
  readonly reach: "process" | "host" | "nodes";
  read(name: string): Promise<StoredDocument>;
  /** Writes if the document still has the version that was read. */
  write(name: string, write: DocumentWrite): Promise<WriteOutcome>;
  /** The names that begin with `prefix`, for the operator's lists; those written meanwhile may be missing. */
  names(prefix: string): Promise<readonly string[]>;
  /** Sends a message to every subscriber, this node's own included; delivery is not certain, and not in order. */
  publish(message: string): Promise<void>;
  /**
   * Hears every message from now on; the returned function stops it. Where a connection has to be made for it, now is when
   * that is there; while it is broken, messages are lost.
   */
  subscribe(listener: (message: string) => void): () => void;
  /** Lets go of connections, and writes down what must be; idempotent. Calls after it reject, and nothing is heard. */
  close(): Promise<void>;
}

/** A write is refused when its reading is older than this, so that a paused process cannot use an old time. Milliseconds. */
export const oldestReading = 1000;

/**
 * The version after `version` at a time of the store's clock: higher than any before, also where the document was lost
 * in between. Microseconds of the clock, so that it stays below 2^53 until the year 2255.
 */
export function nextVersion(version: number, now: number): number {
  return Math.max(version + 1, Math.floor(now) * 1000);
}
