/** Which ends a piece of work knows of; compared again before its result counts. rules R1 */
export interface Epochs {
  readonly key: number;
  readonly subject: number;
}

/** A login that was refused lately, so that it is not tried again before its time. */
export interface Hold {
  /** Code of the error table. */
  readonly code: string;
  /** What the log was told. */
  readonly reason?: string;
  readonly until: number;
  /** Refusals in a row. */
  readonly times: number;
}

/** The right to log in for a key, held by one node at a time. */
export interface Lease {
  /** Random; names one login and nothing else. */
  readonly token: string;
  readonly until: number;
}

/** A living session as all nodes see it. */
export interface Live {
  /** Token of the login that began it: tells it from the next session under the same key. */
  readonly birth: string;
  /** Token of the login that wrote it last, so that a commit that is repeated is recognised. */
  readonly token: string;
  /** Number of logins of this session. */
  readonly generation: number;
  readonly subject: string;
  /** Whether the host gave a session id; decides who may come back after a log-out. rules R1 */
  readonly hasHostSession: boolean;
  /** When the host vouched for the request that began it. */
  readonly openedAt: number;
  readonly createdAt: number;
  /** Last use that was shared; another node may know of a later one. rules R3 */
  readonly usedAt: number;
  readonly vouchedAt: number;
  /** When the host's word ends; null where it named no end. */
  readonly expiresAt: number | null;
  /** What the session floor keeps in it; nothing of it is understood here. */
  readonly content: unknown;
}

/** What is known of one session key. */
export interface KeyRecord {
  /** Goes up with every end. */
  readonly epoch: number;
  /** When it was last ended by a log-out or a revocation; 0 for never. */
  readonly endedAt: number;
  /** Whether the key may never be used again: it belongs to a host session that was ended. */
  readonly barred: boolean;
  /** Why the last session ended; "" for never. */
  readonly reason: string;
  /** Goes up with everything that is written into a session. */
  readonly version: number;
  readonly lease: Lease | null;
  readonly live: Live | null;
  /** When this was last changed. */
  readonly changedAt: number;
}

/** What the tenant should be told of a subject, by the newest word of the host. rules R9 */
export interface SharedClaims {
  /** When the host said so. */
  readonly at: number;
  /** When a renewal for changed claims was last begun; 0 for never. */
  readonly triedAt: number;
  readonly value: unknown;
}

/**
 * Everything about one subject, in one document: so that one comparison covers the ends of the key and of the subject.
 *
 * Times are the store's clock, in milliseconds since the Unix epoch.
 */
export interface SubjectRecord {
  readonly epoch: number;
  readonly endedAt: number;
  /** No login before this; 0 where nothing is blocked. */
  readonly blockedUntil: number;
  readonly hold: Hold | null;
  readonly claims: SharedClaims | null;
  readonly keys: Readonly<Record<string, KeyRecord>>;
}

/** A subject that nothing is known of. */
export const unknownSubject: SubjectRecord = {
  epoch: 0,
  endedAt: 0,
  blockedUntil: 0,
  hold: null,
  claims: null,
  keys: {},
};

/** A key that nothing is known of. */
export const unknownKey: KeyRecord = {
  epoch: 0,
  endedAt: 0,
  barred: false,
  reason: "",
  version: 0,
  lease: null,
  live: null,
  changedAt: 0,
};

/** What is known of a key. */
export function keyOf(record: SubjectRecord, key: string): KeyRecord {
  return Object.hasOwn(record.keys, key) ? (record.keys[key] ?? unknownKey) : unknownKey;
}

/** The record with another word on a key. */
export function withKey(
  record: SubjectRecord,
  key: string,
  now: number,
  change: Partial<KeyRecord>,
): SubjectRecord {
  return { ...record, keys: { ...record.keys, [key]: { ...keyOf(record, key), ...change, changedAt: now } } };
}

/** The ends that are known of a key. */
export function epochsOf(record: SubjectRecord, key: string): Epochs {
  return { key: keyOf(record, key).epoch, subject: record.epoch };
}

/** The form of the documents; another one is not understood. */
const form = 1;

/** Writes a record down. */
export function formatSubjectRecord(record: SubjectRecord): string {
  return JSON.stringify({ form, ...record });
}

/** Reads what `formatSubjectRecord` wrote; null for anything else, such as the form of a later version. */
export function parseSubjectRecord(text: string): SubjectRecord | null {
  try {
    const parsed = JSON.parse(text) as SubjectRecord & { readonly form?: unknown };
    if (parsed.form !== form || typeof parsed.epoch !== "number" || typeof parsed.keys !== "object")
      return null;
    const { epoch, endedAt, blockedUntil, hold, claims, keys } = parsed;
    return { epoch, endedAt, blockedUntil, hold, claims, keys };
  } catch {
    return null;
  }
}
