import type { Clock } from "../kernel/clock.ts";
import { tagOf } from "./session-key.ts";
import { ended, epochAfter } from "./transitions.ts";
import {
  keyOf,
  unknownSubject,
  withKey,
  type KeyRecord,
  type Live,
  type SubjectRecord,
} from "./subject-record.ts";

/** What a node knows of an end, in its own time. */
export interface Tombstone {
  /** 0 where the store has not given the end a number yet. */
  readonly epoch: number;
  readonly endedAt: number;
  /** No login before this; 0 where nothing is blocked. */
  readonly blockedUntil: number;
  /** Whether the key may never be used again. */
  readonly barred: boolean;
  /** Why, while the store has not acknowledged it; null after that. */
  readonly pending: string | null;
}

/** A session that ended, with what was in it, so that the tenant can be told. */
export interface EndedSession {
  readonly key: string;
  readonly reason: string;
  readonly live: Live;
}

/**
 * Ended keys that are remembered of one subject, on a node and in its document; the oldest give way. A person who signs in
 * and out of the host app without end must not make either grow without end.
 */
export const mostEndedKeys = 200;

/** Requests that were on their way when the user logged out must not log in again. Milliseconds; rules R1 */
export const comeBackAfter = 2000;

interface SubjectEnds {
  own: Tombstone | null;
  readonly keys: Map<string, Tombstone>;
}

/**
 * What a node remembers of log-outs and revocations: decides at once who may come back, holds what the store has not
 * acknowledged, and knows better than a store that lost something. rules R1
 */
export class Ends {
  readonly #clock: Clock;
  readonly #keepFor: number;
  /** By subject tag, the oldest word first. */
  readonly #subjects = new Map<string, SubjectEnds>();

  /** `keepFor` (milliseconds) is longer than anything that could write after an end. */
  constructor(clock: Clock, keepFor: number) {
    this.#clock = clock;
    this.#keepFor = keepFor;
  }

  /** Subjects with an end that the store has not acknowledged. */
  get pending(): readonly string[] {
    return [...this.#subjects].filter(([, ends]) => isPending(ends)).map(([tag]) => tag);
  }

  /** Subjects with any end: what a store that lost something has to be told again. */
  get known(): readonly string[] {
    return [...this.#subjects.keys()];
  }

  /** Whether the host's word of `evidenceAt` may open a session, as far as this node knows. */
  admits(key: string, evidenceAt: number): boolean {
    const ends = this.#subjects.get(tagOf(key));
    if (ends === undefined) return true;
    const { own } = ends;
    if (own && this.#clock.now() < own.blockedUntil) return false;
    if (own && own.endedAt > 0 && evidenceAt <= own.endedAt + comeBackAfter) return false;
    const ofKey = ends.keys.get(key);
    if (ofKey === undefined) return true;
    return !ofKey.barred && evidenceAt > ofKey.endedAt + comeBackAfter;
  }

  /** When a key was last ended for good, as far as this node knows; 0 where it knows of no end. */
  lastEndOf(key: string): number {
    const ends = this.#subjects.get(tagOf(key));
    return Math.max(ends?.own?.endedAt ?? 0, ends?.keys.get(key)?.endedAt ?? 0);
  }

  /** Changes with every end that is heard of; work that began before one is not joined after it. */
  stampOf(key: string): string {
    const ends = this.#subjects.get(tagOf(key));
    if (ends === undefined) return "";
    const stamp = (end: Tombstone | null | undefined): string =>
      end ? `${end.epoch}${end.pending === null ? "" : "+"}` : "";
    return `${stamp(ends.own)}/${stamp(ends.keys.get(key))}`;
  }

  /** Notes an end before the store knows it. */
  endKey(key: string, reason: string, barred: boolean, at: number = this.#clock.now()): void {
    const tag = tagOf(key);
    const before = this.#subjects.get(tag)?.keys.get(key);
    this.#setKey(tag, key, {
      epoch: before?.epoch ?? 0,
      endedAt: Math.max(at, before?.endedAt ?? 0),
      blockedUntil: 0,
      barred: barred || (before?.barred ?? false),
      pending: reason,
    });
  }

  /** Notes the end of everything of a subject before the store knows it. */
  endSubject(tag: string, reason: string, blockFor: number, at: number = this.#clock.now()): void {
    const ends = this.#of(tag);
    ends.own = {
      epoch: ends.own?.epoch ?? 0,
      endedAt: Math.max(at, ends.own?.endedAt ?? 0),
      blockedUntil: Math.max(ends.own?.blockedUntil ?? 0, blockFor > 0 ? at + blockFor : 0),
      barred: false,
      pending: reason,
    };
  }

  /**
   * What a record must say, given what this node knows: ends that the store has not heard of, or has lost, are written
   * into it. `offset` is this node's clock minus the store's.
   */
  apply(
    tag: string,
    record: SubjectRecord,
    now: number,
    offset: number,
  ): { readonly record: SubjectRecord; readonly ended: readonly EndedSession[] } {
    const ends = this.#subjects.get(tag);
    if (ends === undefined) return { record, ended: [] };
    const gone: EndedSession[] = [];
    let next = record;
    const { own } = ends;
    const isOver = (each: Tombstone): boolean => this.#isOver(each, now + offset);
    if (own && !isOver(own)) next = applyToSubject(next, { own, now, offset, gone });
    for (const [key, tombstone] of ends.keys) {
      if (!isOver(tombstone)) next = applyToKey(next, key, { tombstone, now, offset, gone });
    }
    return { record: next, ended: gone };
  }

  /** Takes over what the store says of ends; `acknowledged` is what this node knew when the store was asked. */
  learn(tag: string, record: SubjectRecord, offset: number, acknowledged: Acknowledged): void {
    this.#settle(tag, acknowledged);
    this.hear(tag, endsIn(record), offset);
  }

  /** Takes over what the store or another node says of ends: the newer word stays, and what is over is not news. */
  hear(tag: string, told: ToldEndsOf, offset: number): void {
    const now = this.#clock.now();
    const own = fromStore(told, offset, false, told.blockedUntil);
    const known = this.#subjects.get(tag)?.own;
    if (told.epoch > 0 && isNews(own, known) && !this.#isOver(own, now)) this.#of(tag).own = own;
    for (const [key, each] of Object.entries(told.keys)) {
      const tombstone = fromStore(each, offset, each.barred, 0);
      const before = this.#subjects.get(tag)?.keys.get(key);
      if (isNews(tombstone, before) && !this.#isOver(tombstone, now)) this.#setKey(tag, key, tombstone);
    }
  }

  /** What is known now, to be compared when a write has come back: what was noted since is not in it. */
  snapshot(tag: string): Acknowledged {
    const ends = this.#subjects.get(tag);
    return { own: ends?.own ?? null, keys: new Map(ends?.keys) };
  }

  /** Forgets what nothing can contradict any more. */
  forget(): void {
    const now = this.#clock.now();
    for (const [tag, { own, keys }] of this.#subjects) {
      for (const [key, each] of keys) if (this.#isOver(each, now)) keys.delete(key);
      if (keys.size === 0 && (own === null || this.#isOver(own, now))) this.#subjects.delete(tag);
    }
  }

  #isOver(each: Tombstone, now: number): boolean {
    return each.pending === null && Math.max(each.endedAt + this.#keepFor, each.blockedUntil) <= now;
  }

  /** An end that found nothing to end has no number in the store; it was heard all the same. */
  #settle(tag: string, acknowledged: Acknowledged): void {
    const ends = this.#subjects.get(tag);
    if (ends === undefined) return;
    if (ends.own?.pending && ends.own === acknowledged.own) ends.own = { ...ends.own, pending: null };
    for (const [key, each] of ends.keys) {
      if (each.pending && each === acknowledged.keys.get(key)) ends.keys.set(key, { ...each, pending: null });
    }
  }

  #setKey(tag: string, key: string, tombstone: Tombstone): void {
    const { keys } = this.#of(tag);
    keys.delete(key);
    keys.set(key, tombstone);
    if (keys.size > mostEndedKeys) keys.delete(keys.keys().next().value ?? key);
  }

  #of(tag: string): SubjectEnds {
    const known = this.#subjects.get(tag);
    if (known) return known;
    const made: SubjectEnds = { own: null, keys: new Map() };
    this.#subjects.set(tag, made);
    return made;
  }
}

/** The ends of a subject, as nodes tell each other of them. Times are the store's clock. */
export interface ToldEndsOf {
  readonly epoch: number;
  readonly endedAt: number;
  readonly blockedUntil: number;
  readonly keys: Readonly<Record<string, Pick<KeyRecord, "epoch" | "endedAt" | "barred">>>;
}

/** The ends that a record holds, and an older one does not. */
export function endsIn(
  { epoch, endedAt, blockedUntil, keys }: SubjectRecord,
  older: SubjectRecord = unknownSubject,
): ToldEndsOf {
  const ended = Object.entries(keys).filter(
    ([key, known]) => known.endedAt > 0 && known.epoch !== keyOf(older, key).epoch,
  );
  return {
    epoch: endedAt > 0 && epoch !== older.epoch ? epoch : 0,
    endedAt,
    blockedUntil,
    keys: Object.fromEntries(
      ended.map(([key, known]) => [
        key,
        { epoch: known.epoch, endedAt: known.endedAt, barred: known.barred },
      ]),
    ),
  };
}

/** What a node knew of a subject's ends when it wrote. */
export interface Acknowledged {
  readonly own: Tombstone | null;
  readonly keys: ReadonlyMap<string, Tombstone>;
}

/** Whether one word on an end is newer than another; an end that waits for its number is the newest. */
const isNews = (told: Tombstone, known: Tombstone | null | undefined): boolean =>
  !known || (known.pending === null && told.epoch >= known.epoch);

const isPending = ({ own, keys }: SubjectEnds): boolean =>
  Boolean(own?.pending) || [...keys.values()].some(({ pending }) => pending !== null);

function fromStore(
  { epoch, endedAt }: Pick<KeyRecord, "epoch" | "endedAt">,
  offset: number,
  barred: boolean,
  blockedUntil: number,
): Tombstone {
  return {
    epoch,
    endedAt: endedAt === 0 ? 0 : endedAt + offset,
    blockedUntil: blockedUntil === 0 ? 0 : blockedUntil + offset,
    barred,
    pending: null,
  };
}

interface Applying {
  readonly now: number;
  readonly offset: number;
  readonly gone: EndedSession[];
}

function applyToSubject(
  record: SubjectRecord,
  { own, now, offset, gone }: Applying & { own: Tombstone },
): SubjectRecord {
  const isLost = record.epoch < own.epoch;
  if (!isLost && own.pending === null) return record;
  const endedAt = own.endedAt - offset;
  let next: SubjectRecord = {
    ...record,
    epoch: own.pending === null ? own.epoch : epochAfter(Math.max(record.epoch, own.epoch), now),
    endedAt: Math.max(record.endedAt, endedAt),
    blockedUntil: Math.max(record.blockedUntil, own.blockedUntil === 0 ? 0 : own.blockedUntil - offset),
  };
  for (const [key, { lease }] of Object.entries(record.keys)) {
    if (lease && own.pending !== null) next = withKey(next, key, now, { lease: null });
    next = kill(next, key, { now, endedAt, barred: false, reason: own.pending ?? "revoked", gone });
  }
  return next;
}

function applyToKey(
  record: SubjectRecord,
  key: string,
  { tombstone, now, offset, gone }: Applying & { tombstone: Tombstone },
): SubjectRecord {
  const known = keyOf(record, key);
  const isLost = known.epoch < tombstone.epoch;
  const { pending } = tombstone;
  if (!isLost && pending === null) return record;
  const endedAt = tombstone.endedAt - offset;
  const { barred } = tombstone;
  const killed = kill(record, key, { now, endedAt, barred, reason: pending ?? known.reason, gone });
  const after = keyOf(killed, key);
  // An end that was lost has its number already; a new one gets one, also where it found nothing to end.
  const epoch = pending === null ? tombstone.epoch : epochAfter(known.epoch, now);
  return withKey(killed, key, now, {
    epoch: Math.max(after.epoch, epoch),
    endedAt: Math.max(known.endedAt, endedAt),
    barred: after.barred || barred,
    // What is under way for the key does not count any more; nobody has to wait for it.
    ...(pending === null ? {} : { reason: pending, lease: null }),
  });
}

/** Takes the session out of a key, unless the host vouched for it after the end. */
function kill(
  record: SubjectRecord,
  key: string,
  end: {
    readonly now: number;
    readonly endedAt: number;
    readonly barred: boolean;
    readonly reason: string;
    readonly gone: EndedSession[];
  },
): SubjectRecord {
  const known = keyOf(record, key);
  const { live } = known;
  if (live === null || (!end.barred && live.openedAt > end.endedAt + comeBackAfter)) return record;
  end.gone.push({ key, reason: end.reason, live });
  const change = ended(known, end.reason, end.now);
  if (!live.hasHostSession) return withKey(record, key, end.now, change);
  // A host session that was revoked does not come back under its id.
  const endedAt = Math.max(known.endedAt, end.endedAt);
  return withKey(record, key, end.now, { ...change, endedAt, barred: true });
}
