import { MemoryStore, type KeptDocument } from "../../src/store/memory-store.ts";
import type { DocumentWrite, SessionStore, WriteOutcome } from "../../src/store/session-store.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** How well the store and the way to it work at the moment. */
export interface StoreWeather {
  isDown: boolean;
  /** Whose calls and messages do not pass, in either direction. */
  readonly cutOff: Set<SimulatedProcess>;
  /** Who hears no messages; calls pass. */
  readonly deaf: Set<SimulatedProcess>;
  /** The usual time of one way. Milliseconds. */
  delay: number;
  /** The part of the calls whose reply is lost after the work was done. */
  lostReplies: number;
  /** The part of the messages that do not arrive, or arrive twice, or late. */
  badMessages: number;
}

/** Bugs that the simulation plants, to show that it would find them. */
export type PlantedBug = "fencing" | "tombstones";

/** Sees and may change what is written; plants bugs and checks what nodes write. */
export interface StoreWatch {
  /** What is written in the place of `value`. */
  before(name: string, value: string): string;
  /** A document was written by a process. */
  written(name: string, value: string, by: SimulatedProcess): void;
  /** The store lost something: this is what it has now. */
  lost(documents: ReadonlyMap<string, KeptDocument>): void;
  /** Whether a message is carried at all. */
  carries(message: string): boolean;
}

/** How long a process waits for a store that does not answer, until its connection fails. Milliseconds. */
const connectionFailure = 2000;

/** How much a message that goes astray is late at most. Milliseconds. */
const astray = 1500;

/** The production memory store, with a way to lose documents. */
class SharedDocuments extends MemoryStore {
  copy(): ReadonlyMap<string, KeptDocument> {
    return new Map(this.documents);
  }

  restore(documents: ReadonlyMap<string, KeptDocument>): void {
    this.documents.clear();
    for (const [name, document] of documents) this.documents.set(name, document);
  }

  versionOf(name: string): number {
    return this.documents.get(name)?.version ?? 0;
  }
}

/** The one store that all nodes share, and the network to it. */
export class SimulatedStore {
  readonly weather: StoreWeather = {
    isDown: false,
    cutOff: new Set(),
    deaf: new Set(),
    delay: 1,
    lostReplies: 0,
    badMessages: 0,
  };
  readonly #documents: SharedDocuments;
  readonly #process: SimulatedProcess;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #watch: StoreWatch;
  readonly #isFencing: boolean;
  readonly #listeners = new Map<SimulatedProcess, Set<(message: string) => void>>();

  constructor(options: {
    readonly process: SimulatedProcess;
    readonly scheduler: Scheduler;
    readonly random: Random;
    readonly watch: StoreWatch;
    readonly without: PlantedBug | null;
  }) {
    this.#process = options.process;
    this.#scheduler = options.scheduler;
    this.#random = options.random;
    this.#watch = options.watch;
    this.#isFencing = options.without !== "fencing";
    this.#documents = new SharedDocuments(options.process.clock);
  }

  /** The store's clock. Milliseconds since the Unix epoch. */
  now(): number {
    return this.#process.clock.now();
  }

  /** Everything that is stored, as a replica would have it. */
  copy(): ReadonlyMap<string, KeptDocument> {
    return this.#documents.copy();
  }

  /** The store comes back with what it had once; with nothing by default. */
  fallBack(documents: ReadonlyMap<string, KeptDocument> = new Map()): void {
    this.#documents.restore(documents);
    this.#watch.lost(documents);
  }

  /** Whether a process reaches the store now. */
  reaches(process: SimulatedProcess): boolean {
    return !this.weather.isDown && !this.weather.cutOff.has(process);
  }

  /** The store as one process sees it. */
  portFor(process: SimulatedProcess): SessionStore {
    const documents = this.#documents;
    return {
      reach: "nodes",
      read: (name) => this.#call(process, () => documents.read(name)),
      write: (name, write) => this.#call(process, () => this.#write(name, write, process)),
      names: (prefix) => this.#call(process, () => documents.names(prefix)),
      publish: (message) => this.#call(process, () => this.#carry(message)),
      subscribe: (listener) => {
        const listeners = this.#listeners.get(process) ?? new Set();
        this.#listeners.set(process, listeners.add(listener));
        return () => void listeners.delete(listener);
      },
      close: () => Promise.resolve(this.disconnect(process)),
    };
  }

  /** A process is gone. */
  disconnect(process: SimulatedProcess): void {
    this.#listeners.delete(process);
  }

  #call<T>(process: SimulatedProcess, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (ms: number, why: string): void => process.deliver(ms, () => reject(new Error(why)));
      this.#scheduler.after(this.#delay(), () => {
        if (this.weather.isDown && this.#random.chance(0.5)) return fail(this.#delay(), "connection refused");
        if (!this.reaches(process)) return fail(connectionFailure, "no answer");
        work().then(
          (answer) => {
            if (this.#random.chance(this.weather.lostReplies)) return fail(connectionFailure, "reply lost");
            return process.deliver(this.#delay(), () => {
              // A reply that is on its way when the network is cut does not arrive either.
              if (this.reaches(process)) resolve(answer);
              else fail(connectionFailure, "connection lost");
            });
          },
          (error: unknown) => fail(0, String(error)),
        );
      });
    });
  }

  async #write(name: string, write: DocumentWrite, by: SimulatedProcess): Promise<WriteOutcome> {
    const value = this.#watch.before(name, write.value);
    const meant = this.#isFencing
      ? { ...write, value }
      : { ...write, value, version: this.#documents.versionOf(name), readAt: this.now() };
    const outcome = await this.#documents.write(name, meant);
    if (outcome.written) this.#watch.written(name, value, by);
    return outcome;
  }

  #carry(message: string): Promise<void> {
    if (!this.#watch.carries(message)) return Promise.resolve();
    for (const process of this.#listeners.keys()) {
      const goesWrong = this.#random.chance(this.weather.badMessages);
      if (!goesWrong) this.#hand(process, message, this.#delay());
      else if (this.#random.chance(0.6)) this.#hand(process, message, this.#random.between(0, astray));
      // One in ten of those that go wrong comes twice; the rest is lost.
      if (goesWrong && this.#random.chance(0.1))
        this.#hand(process, message, this.#random.between(0, astray));
    }
    return Promise.resolve();
  }

  #hand(process: SimulatedProcess, message: string, ms: number): void {
    process.deliver(ms, () => {
      if (this.weather.deaf.has(process) || !this.reaches(process)) return;
      for (const listener of this.#listeners.get(process) ?? []) listener(message);
    });
  }

  /** Most ways take about the usual time, a few of them much longer. */
  #delay(): number {
    const { delay } = this.weather;
    return this.#random.chance(0.02)
      ? this.#random.between(delay, delay * 20)
      : this.#random.between(0.2, 2) * delay;
  }
}
