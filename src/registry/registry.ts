import type { Clock } from "../kernel/clock.ts";
import { createSingleFlight } from "../kernel/single-flight.ts";
import type { Seal } from "../store/seal.ts";
import type { SessionStore } from "../store/session-store.ts";
import { Bus, type Notice } from "./bus.ts";
import { Documents, type Change, type Reading } from "./documents.ts";
import { Ends, endsIn, type Acknowledged, type EndedSession, type ToldEndsOf } from "./ends.ts";
import { gateNameOf } from "./index-key.ts";
import { Naming } from "./naming.ts";
import { withoutOverdue, type SessionLimits } from "./overdue.ts";
import { tagOf, type SessionOwner } from "./session-key.ts";
import type { Step } from "./transitions.ts";
import { inLocalTime, inStoreTime, viewOf, type UseHere, type View } from "./view.ts";
import {
  formatSubjectRecord,
  parseSubjectRecord,
  unknownSubject,
  type Live,
  type SubjectRecord,
} from "./subject-record.ts";

/** What the registry is made from. */
export interface RegistryOptions {
  readonly store: SessionStore;
  readonly seal: Seal;
  readonly clock: Clock;
  /** Names the tenant among all that share the store. */
  readonly tenantName: string;
  /** Whether the tenant counts the sessions of a user: all host sessions of one share a session then. */
  readonly countsSessions: boolean;
  /** Milliseconds for one call of the store. */
  readonly storeTimeout: number;
  /** How long ends are remembered: longer than anything that could write after one. Milliseconds; rules R1 */
  readonly keepFor: number;
  readonly limits: SessionLimits;
  /** What this node knows of the use of a session, in its own time. */
  readonly useOf: (key: string) => UseHere | undefined;
  readonly listener: RegistryListener;
}

/** What the registry tells the session floor. */
export interface RegistryListener {
  /** Sessions that this node took out of the store; the tenant has not been told. */
  readonly ended: (sessions: readonly EndedSession[]) => void;
  /** What another node says, and this one too. */
  readonly heard: (notice: Notice) => void;
  /** Notices may have been lost since they were last heard of: what is cached is no longer sure. */
  readonly doubted: (soundSince: number, soundUntil: number) => void;
  /** Notices come again. */
  readonly trusted: () => void;
  /** The store has stopped answering, or answers again. */
  readonly storeChanged: (isReachable: boolean) => void;
  /** The nodes have agreed on another index key: no session that is cached has its key any more. */
  readonly rekeyed: () => void;
  readonly unreadable: () => void;
}

/** A step on a record, with this node's clock minus the store's. */
export type SubjectStep<T> = (record: SubjectRecord, now: number, offset: number) => Step<T>;

const noLimits: SessionLimits = {
  idleTimeout: Number.POSITIVE_INFINITY,
  maxLifetime: Number.POSITIVE_INFINITY,
};

/** A record after a step, and what has to be known when it was written. */
interface NextRecord<T> {
  readonly record: SubjectRecord;
  readonly outcome: T;
  /** Sessions that were ended by somebody, and those that were over. */
  readonly gone: { readonly told: readonly EndedSession[]; readonly over: readonly EndedSession[] };
  /** The ends that are new in it. */
  readonly ends: ToldEndsOf;
  readonly offset: number;
  readonly acknowledged: Acknowledged;
  readonly isChanged: boolean;
}

/** Ends that the store has not acknowledged are tried again after this. Milliseconds. */
const retryEvery = 500;

/**
 * How often ends that nothing can contradict any more are forgotten, and the index key is compared with the store's.
 * Milliseconds.
 */
const tidyEvery = 10_000;

/** Documents that are read or written at once. */
const width = 16;

/**
 * What all nodes know of the sessions of a tenant: one sealed document for each subject, changed by compare and swap,
 * and notices of the changes. Knows nothing of what a session holds.
 */
export class Registry {
  readonly ends: Ends;
  readonly bus: Bus;
  readonly documents: Documents;
  readonly naming: Naming;
  readonly #options: RegistryOptions;
  readonly #reassertions = createSingleFlight<"all", void>();
  #cancelRetry: (() => void) | null = null;
  #cancelTidy = (): void => {};
  #isClosed = false;

  constructor(options: RegistryOptions) {
    const { store, seal, clock, storeTimeout, keepFor, listener } = options;
    this.#options = options;
    this.ends = new Ends(clock, keepFor);
    this.documents = new Documents({
      store,
      seal,
      clock,
      keepFor,
      timeout: storeTimeout,
      isRemote: store.reach === "nodes",
      changed: (isReachable) => {
        if (isReachable) this.#inBackground(this.naming.open());
        listener.storeChanged(isReachable);
      },
      unreadable: listener.unreadable,
    });
    this.bus = new Bus({
      store,
      seal,
      clock,
      ask: (call) => this.documents.probe("publish", call),
      hear: (notice) => {
        if (notice.kind === "ended") this.ends.hear(notice.tag, notice.ends, this.documents.offset);
        if (notice.kind === "index") this.#inBackground(this.naming.compare());
        listener.heard(notice);
      },
      doubted: listener.doubted,
      trusted: () => {
        void this.#reassertAgain();
        listener.trusted();
      },
    });
    this.naming = new Naming({
      documents: this.documents,
      tenantName: options.tenantName,
      countsSessions: options.countsSessions,
      isAlone: store.reach === "process",
      hasOthers: store.reach === "nodes",
      clock,
      tell: () => this.tell({ kind: "index" }),
      rekeyed: listener.rekeyed,
    });
  }

  /** Begins to listen, and to learn how names are derived. */
  start(): void {
    this.bus.start();
    this.#tidyLater();
    this.#inBackground(this.naming.open());
  }

  /** Whether other nodes use the same store. */
  get isShared(): boolean {
    return this.#options.store.reach === "nodes";
  }

  /** Whether sessions live on when this process ends. */
  get outlives(): boolean {
    return this.#options.store.reach !== "process";
  }

  /** Whether the host's word may open a session, as far as all nodes know. @throws SessionProxyError `QSP-STORE` */
  async admits(owner: SessionOwner & { readonly evidenceAt?: number }): Promise<boolean> {
    const key = (await this.naming.open()).keyOf(owner);
    await this.read(key);
    return this.ends.admits(key, owner.evidenceAt ?? Number.POSITIVE_INFINITY);
  }

  /** What the store says of a key. @throws SessionProxyError `QSP-STORE` */
  read(key: string): Promise<View> {
    return this.change(key, (record, _now, offset) => ({ outcome: viewOf(record, key, offset) }));
  }

  /**
   * Changes the record of a key's subject; what this node knows of ends, and what is over, goes in with it.
   *
   * @throws SessionProxyError `QSP-STORE`; the change may have been made all the same
   */
  async change<T>(key: string, step: SubjectStep<T>): Promise<T> {
    return (await this.#change(key, step)).outcome;
  }

  async #change<T>(
    key: string,
    step: SubjectStep<T>,
  ): Promise<{ readonly outcome: T; readonly ends: ToldEndsOf; readonly isTold: boolean }> {
    const tag = tagOf(key);
    const { listener } = this.#options;
    let isWritten = false;
    let gone: NextRecord<T>["gone"] = { told: [], over: [] };
    try {
      const { record, offset, acknowledged, outcome, ends } = await this.documents.change(
        `s.${tag}`,
        (reading) => {
          const next = this.#next(tag, reading, step);
          gone = next.gone;
          const text = next.isChanged ? { text: formatSubjectRecord(next.record) } : {};
          return { ...text, outcome: next, keepFor: next.record.blockedUntil - reading.now };
        },
      );
      isWritten = true;
      this.ends.learn(tag, record, offset, acknowledged);
      const all = [...gone.told, ...gone.over];
      if (all.length > 0) this.#tellEnded(tag, all, ends);
      return { outcome, ends, isTold: all.length > 0 };
    } finally {
      // A log-out counts where the answer was lost too, and a repetition would not find the session again.
      const ended = isWritten ? [...gone.told, ...gone.over] : gone.told;
      if (ended.length > 0) listener.ended(ended);
    }
  }

  /** What a document becomes: what this node knows of ends first, then what is over, then the step. */
  #next<T>(tag: string, { text, now, offset }: Reading, step: SubjectStep<T>): NextRecord<T> {
    const { limits, keepFor, useOf } = this.#options;
    const parsed = text === null ? unknownSubject : parseSubjectRecord(text);
    if (parsed === null) this.#options.listener.unreadable();
    const found = parsed ?? unknownSubject;
    const acknowledged = this.ends.snapshot(tag);
    const applied = this.ends.apply(tag, found, now, offset);
    const tidy = withoutOverdue(applied.record, now, {
      // Nobody is told of use where the process ends with its store: it alone knows what is over.
      limits: this.outlives ? limits : noLimits,
      keepFor,
      useOf: (key, birth) => inStoreTime(useOf(key), birth, offset),
    });
    const { record = tidy.record, outcome } = step(tidy.record, now, offset);
    const gone = { told: applied.ended, over: tidy.ended };
    const ends = endsIn(record, found);
    return { record, outcome, gone, ends, offset, acknowledged, isChanged: record !== found };
  }

  /** Ends the session of a key: known here at once, then in the store, then by the others. @throws SessionProxyError `QSP-STORE` */
  async endKey(key: string, reason: string, barred: boolean, at?: number): Promise<void> {
    this.ends.endKey(key, reason, barred, at);
    await this.#acknowledge(tagOf(key), reason);
  }

  /** Ends every session of a subject; no new one for `blockFor` milliseconds. @throws SessionProxyError `QSP-STORE` */
  async endSubject(tag: string, reason: string, blockFor: number, at?: number): Promise<void> {
    this.ends.endSubject(tag, reason, blockFor, at);
    await this.#acknowledge(tag, reason);
  }

  /** Tells the other nodes, in the background. */
  tell(notice: Notice): void {
    this.#inBackground(this.bus.tell(notice));
  }

  /** Changes what all nodes know of the logins at the tenant. @throws SessionProxyError `QSP-STORE` */
  gate<Gate, T>(
    step: (record: Gate | null, now: number) => { readonly record?: Gate; readonly outcome: T },
    keepFor: number,
  ): Promise<T> {
    const change = ({ text, now }: Reading): Change<T> => {
      const { record, outcome } = step(parsedGate<Gate>(text), now);
      return record === undefined ? { outcome, keepFor } : { text: JSON.stringify(record), outcome, keepFor };
    };
    return this.documents.change(gateNameOf(this.#options.tenantName), change);
  }

  /** Every living session in the store, or of one subject, in this node's time. @throws SessionProxyError `QSP-STORE` */
  async list(tag: string | null): Promise<readonly { readonly key: string; readonly live: Live }[]> {
    const names = tag === null ? await this.documents.names("s.") : [`s.${tag}`];
    const found: { key: string; live: Live }[] = [];
    for (let from = 0; from < names.length; from += width) {
      const readings = names.slice(from, from + width).map((name) => this.documents.read(name));
      for (const { text, offset } of await Promise.all(readings)) {
        const record = text === null ? null : parseSubjectRecord(text);
        for (const [key, { live }] of Object.entries(record?.keys ?? {})) {
          if (live) found.push({ key, live: inLocalTime(live, offset) });
        }
      }
    }
    return found;
  }

  close(): void {
    this.#isClosed = true;
    this.bus.stop();
    this.#cancelRetry?.();
    this.#cancelTidy();
  }

  #tellEnded(tag: string, gone: readonly EndedSession[], ends: ToldEndsOf): void {
    const [{ reason } = { reason: "" }] = gone;
    const sessions = gone.map((each) => ({ key: each.key, birth: each.live.birth }));
    this.tell({ kind: "ended", tag, sessions, reason, ends });
  }

  /** What other nodes hold is looked up by them, also where the store had nothing of it. */
  async #acknowledge(tag: string, reason: string): Promise<void> {
    try {
      const { ends, isTold } = await this.#change(tag, () => ({ outcome: null }));
      if (!isTold) this.tell({ kind: "ended", tag, sessions: [], reason, ends });
    } catch (error) {
      this.#retryLater();
      throw error;
    }
  }

  /** After a silence the store may have lost what was written before it: it is told again, until it has heard all. */
  async #reassertAgain(): Promise<void> {
    // One that is under way may have begun before what was lost now.
    if (this.#reassertions.has("all")) await this.#reassertions.run("all", () => this.#reassert());
    await this.#reassertions.run("all", () => this.#reassert());
  }

  async #reassert(): Promise<void> {
    const tags = this.ends.known;
    let failed = await this.naming.compare().then(
      () => 0,
      () => 1,
    );
    // One document that cannot be written does not hold up the others.
    for (let from = 0; from < tags.length && !this.#isClosed; from += width) {
      const told = tags.slice(from, from + width).map((tag) => this.change(tag, () => ({ outcome: null })));
      for (const { status } of await Promise.allSettled(told)) if (status === "rejected") failed += 1;
    }
    if (failed === 0 || this.#isClosed) return;
    this.#options.clock.setTimer(retryEvery, () => {
      if (!this.#isClosed) void this.#reassertAgain();
    });
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    this.#cancelRetry ??= this.#options.clock.setTimer(retryEvery, () => {
      this.#cancelRetry = null;
      for (const tag of this.ends.pending) {
        this.#inBackground(this.#acknowledge(tag, "logout"));
      }
    });
  }

  #tidyLater(): void {
    this.#cancelTidy = this.#options.clock.setTimer(tidyEvery, () => {
      this.ends.forget();
      // A node that started while the store was empty may have made a key of its own.
      if (this.isShared) this.#inBackground(this.naming.compare());
      this.#tidyLater();
    });
  }

  /** Its failure shows as the store's, which is told where it is noticed. */
  #inBackground(task: Promise<unknown>): void {
    task.catch(() => {});
  }
}

/** What cannot be read is forgotten: the next refusals say it again. */
function parsedGate<Gate>(text: string | null): Gate | null {
  try {
    return text === null ? null : (JSON.parse(text) as Gate);
  } catch {
    return null;
  }
}
