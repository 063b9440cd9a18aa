import type { Clock } from "../kernel/clock.ts";
import {
  nextVersion,
  oldestReading,
  type DocumentWrite,
  type SessionStore,
  type StoredDocument,
  type WriteOutcome,
} from "./session-store.ts";

/** A document in memory. */
export interface KeptDocument {
  readonly version: number;
  readonly value: string;
  /** The clock's time at which it is forgotten. */
  readonly until: number;
}

/** How often documents that are over are swept out. Milliseconds. */
const sweepEvery = 60_000;

/**
 * Documents in memory at most, one for each person with a session or an end in the last hours. One that gives way costs a
 * login, and the memory of an end in the store; the node remembers the end itself.
 */
export const mostDocuments = 200_000;

/** Keeps documents in this process, and forgets them when their time is over. */
export class MemoryStore implements SessionStore {
  readonly reach: SessionStore["reach"] = "process";
  protected readonly clock: Clock;
  protected readonly documents: Map<string, KeptDocument>;
  readonly #listeners = new Set<(message: string) => void>();
  #cancelSweep: () => void;
  #isClosed = false;

  constructor(clock: Clock, documents: Iterable<readonly [string, KeptDocument]> = []) {
    this.clock = clock;
    this.documents = new Map(documents);
    this.#cancelSweep = clock.setTimer(sweepEvery, () => this.#sweep());
  }

  /** Number of documents, those included that are over and not swept out yet. */
  get size(): number {
    return this.documents.size;
  }

  async read(name: string): Promise<StoredDocument> {
    this.#assertOpen();
    const now = this.clock.now();
    const kept = this.#current(name, now);
    return { version: kept?.version ?? 0, value: kept?.value ?? null, now };
  }

  async write(name: string, { version, readAt, value, keepFor }: DocumentWrite): Promise<WriteOutcome> {
    this.#assertOpen();
    const now = this.clock.now();
    const found = this.#current(name, now)?.version ?? 0;
    const written = found === version && now - readAt <= oldestReading;
    if (written) {
      // Taken out first, so that the one written longest ago stands first.
      this.documents.delete(name);
      this.documents.set(name, { version: nextVersion(found, now), value, until: now + keepFor });
      if (this.documents.size > mostDocuments) this.#giveWay(now + keepFor);
    }
    return { written, now };
  }

  async names(prefix: string): Promise<readonly string[]> {
    this.#assertOpen();
    const now = this.clock.now();
    const names = [...this.documents.keys()].filter((name) => name.startsWith(prefix));
    return names.filter((name) => this.#current(name, now));
  }

  async publish(message: string): Promise<void> {
    this.#assertOpen();
    for (const listener of this.#listeners) listener(message);
  }

  subscribe(listener: (message: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelSweep();
    this.#listeners.clear();
    return Promise.resolve();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error("the store is closed");
  }

  /** Takes out the one that was written longest ago, of those that were not meant to be kept longer than the new one. */
  #giveWay(until: number): void {
    for (const [name, kept] of this.documents) {
      if (kept.until > until) continue;
      this.documents.delete(name);
      return;
    }
  }

  #current(name: string, now: number): KeptDocument | undefined {
    const kept = this.documents.get(name);
    return kept && kept.until > now ? kept : undefined;
  }

  #sweep(): void {
    const now = this.clock.now();
    for (const [name, { until }] of this.documents) if (until <= now) this.documents.delete(name);
    this.#cancelSweep = this.clock.setTimer(sweepEvery, () => this.#sweep());
  }
}
