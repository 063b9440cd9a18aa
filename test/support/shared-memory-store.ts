import type { Clock } from "../../src/kernel/clock.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type {
  DocumentWrite,
  SessionStore,
  StoredDocument,
  WriteOutcome,
} from "../../src/store/session-store.ts";

/** A store in memory that all nodes of a test share, and that can lose what it holds. */
export class SharedMemoryStore extends MemoryStore {
  override readonly reach = "nodes";

  constructor(clock: Clock) {
    super(clock);
  }

  /** Forgets every document, as a server without a disk does when it is started again. */
  clear(): void {
    this.documents.clear();
  }

  /** Every document, to be compared or put back. */
  dump(): ReadonlyMap<string, { readonly version: number; readonly value: string; readonly until: number }> {
    return new Map(this.documents);
  }

  /** Goes back to an earlier state, as a replica does that was behind when it took over. */
  rollBack(dump: ReturnType<SharedMemoryStore["dump"]>): void {
    this.documents.clear();
    for (const [name, document] of dump) this.documents.set(name, document);
  }
}

/** One node's way to the shared store; each fault is switched on and off by the test. */
export class NodeStore implements SessionStore {
  readonly reach = "nodes";
  /** Every call rejects. */
  isDown = false;
  /** Calls are not answered at all; what they ask for is not done. */
  isHanging = false;
  /** Writes are done, and their answers lost: the call rejects. */
  losesAnswers = false;
  /** Writes of names that begin with this are refused; null for none. */
  refusesWrites: string | null = null;
  /** Messages do not arrive. */
  isDeaf = false;
  /** Messages are not sent; the sender is not told. */
  isMute = false;
  /** Number of reads and of writes so far. */
  reads = 0;
  writes = 0;
  readonly #core: SharedMemoryStore;
  #late: { readonly match: string; readonly release: Promise<void> } | null = null;

  constructor(core: SharedMemoryStore) {
    this.#core = core;
  }

  /** The answers to reads of names that begin with `prefix` are under way until the returned function is called. */
  delayAnswers(prefix: string): () => void {
    const { promise, resolve } = withResolvers();
    this.#late = { match: prefix, release: promise };
    return () => {
      this.#late = null;
      resolve();
    };
  }

  async read(name: string): Promise<StoredDocument> {
    this.reads += 1;
    await this.#meetFaults();
    const answer = await this.#core.read(name);
    if (this.#late && name.startsWith(this.#late.match)) await this.#late.release;
    return answer;
  }

  async write(name: string, write: DocumentWrite): Promise<WriteOutcome> {
    this.writes += 1;
    await this.#meetFaults();
    if (this.refusesWrites !== null && name.startsWith(this.refusesWrites)) throw new Error("no room");
    const outcome = await this.#core.write(name, write);
    if (this.losesAnswers) throw new Error("the answer was lost");
    return outcome;
  }

  async names(prefix: string): Promise<readonly string[]> {
    await this.#meetFaults();
    return this.#core.names(prefix);
  }

  async publish(message: string): Promise<void> {
    await this.#meetFaults();
    if (!this.isMute) await this.#core.publish(message);
  }

  subscribe(listener: (message: string) => void): () => void {
    return this.#core.subscribe((message) => {
      if (!this.isDeaf && !this.isDown) listener(message);
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #meetFaults(): Promise<void> {
    if (this.isDown) throw new Error("connection refused");
    if (this.isHanging) await new Promise(() => {});
  }
}

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
