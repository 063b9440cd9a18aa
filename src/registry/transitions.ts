import {
  epochsOf,
  keyOf,
  withKey,
  type Epochs,
  type Hold,
  type KeyRecord,
  type Live,
  type SharedClaims,
  type SubjectRecord,
} from "./subject-record.ts";

/** What a step makes of a record: the new one, absent where nothing changes, and what the caller learns. */
export interface Step<T> {
  readonly record?: SubjectRecord;
  readonly outcome: T;
}

/** The session that a renewal starts from; null for the first login of a key. */
export type From = Pick<Live, "birth" | "generation"> | null;

/** Whose login it is, what it knows, and its lease. */
export interface LoginClaim {
  readonly key: string;
  readonly epochs: Epochs;
  readonly from: From;
  readonly token: string;
}

/** Whether a login may begin. */
export type Begun =
  | { readonly kind: "granted" }
  /** The key or the subject was ended since. */
  | { readonly kind: "ended" }
  /** Somebody else was faster. */
  | { readonly kind: "live" }
  /** Another login is under way. */
  | { readonly kind: "held"; readonly until: number }
  /** It was refused lately. */
  | { readonly kind: "refused"; readonly hold: Hold }
  /** A renewal for changed claims was tried lately. */
  | { readonly kind: "later" };

/** Takes the right to log in, unless there is a reason not to. rules R1 */
export function begin(
  record: SubjectRecord,
  now: number,
  claim: LoginClaim & {
    /** Milliseconds. */
    readonly leaseFor: number;
    /** Renews because the claims changed: not more often than this allows. Milliseconds; null for other causes. */
    readonly claimsPause: number | null;
    /** Whether the holder of a lease is known to be dead; nobody is by default. */
    readonly isGone?: (token: string) => boolean;
  },
): Step<Begun> {
  const { key, epochs, from, token, leaseFor, claimsPause, isGone = () => false } = claim;
  const known = keyOf(record, key);
  if (!sameEpochs(epochsOf(record, key), epochs)) return { outcome: { kind: "ended" } };
  const position = compare(known.live, from);
  if (position !== "same") return { outcome: { kind: position } };
  if (record.hold && record.hold.until > now) return { outcome: { kind: "refused", hold: record.hold } };
  const { lease } = known;
  if (lease && lease.until > now && lease.token !== token && !isGone(lease.token)) {
    return { outcome: { kind: "held", until: lease.until } };
  }
  const claims = record.claims;
  if (claimsPause !== null && claims && now < claims.triedAt + claimsPause)
    return { outcome: { kind: "later" } };
  const leased = withKey(record, key, now, { lease: { token, until: now + leaseFor } });
  return {
    record: claimsPause !== null && claims ? { ...leased, claims: { ...claims, triedAt: now } } : leased,
    outcome: { kind: "granted" },
  };
}

/** Keeps the lease while a slow login runs; false where it is another's by now. */
export function extend(
  record: SubjectRecord,
  now: number,
  { key, token, leaseFor }: { readonly key: string; readonly token: string; readonly leaseFor: number },
): Step<boolean> {
  if (keyOf(record, key).lease?.token !== token) return { outcome: false };
  return { record: withKey(record, key, now, { lease: { token, until: now + leaseFor } }), outcome: true };
}

/** Whether the result of a login counts. */
export type Committed =
  | { readonly kind: "committed"; readonly version: number }
  /** The key or the subject was ended while it ran. */
  | { readonly kind: "ended" }
  /** Its lease ran out and another login took over. */
  | { readonly kind: "overtaken" };

/** Writes the result of a login, if nothing that it knew has changed. rules R1 */
export function commit(
  record: SubjectRecord,
  now: number,
  login: LoginClaim & {
    readonly live: Omit<Live, "birth" | "token" | "generation">;
    readonly claims: Omit<SharedClaims, "triedAt">;
  },
): Step<Committed> {
  const { key, epochs, from, token, live, claims } = login;
  const known = keyOf(record, key);
  if (known.live?.token === token) return { outcome: { kind: "committed", version: known.version } };
  if (!sameEpochs(epochsOf(record, key), epochs)) return { outcome: { kind: "ended" } };
  if (known.lease?.token !== token) return { outcome: { kind: "overtaken" } };
  const position = compare(known.live, from);
  if (position !== "same") return { outcome: { kind: position === "ended" ? "ended" : "overtaken" } };
  const version = versionAfter(known, now);
  const written = withKey(record, key, now, {
    version,
    lease: null,
    live: {
      ...live,
      // What the other nodes noted meanwhile is not older for having been noted elsewhere.
      usedAt: Math.max(live.usedAt, known.live?.usedAt ?? 0),
      vouchedAt: Math.max(live.vouchedAt, known.live?.vouchedAt ?? 0),
      expiresAt: known.live && known.live.vouchedAt > live.vouchedAt ? known.live.expiresAt : live.expiresAt,
      birth: from?.birth ?? token,
      token,
      generation: (from?.generation ?? 0) + 1,
    },
  });
  const isNewest = record.claims === null || claims.at >= record.claims.at;
  return {
    record: {
      ...written,
      hold: null,
      claims: isNewest ? { ...claims, triedAt: record.claims?.triedAt ?? 0 } : record.claims,
    },
    outcome: { kind: "committed", version },
  };
}

/** Gives the lease back after a login that failed, and remembers why; false where it is another's by now. */
export function release(
  record: SubjectRecord,
  now: number,
  { key, token, hold }: { readonly key: string; readonly token: string; readonly hold: HoldAfter },
): Step<boolean> {
  if (keyOf(record, key).lease?.token !== token) return { outcome: false };
  const next = hold(record.hold, now);
  return { record: { ...withKey(record, key, now, { lease: null }), hold: next }, outcome: true };
}

/** What is remembered of a failure after what was remembered before. */
export type HoldAfter = (before: Hold | null, now: number) => Hold | null;

/** Changes what a living session holds without a new login: cookies that the tenant replaced. */
export function update(
  record: SubjectRecord,
  now: number,
  {
    key,
    from,
    content,
  }: { readonly key: string; readonly from: From; readonly content: (before: unknown) => unknown },
): Step<number | null> {
  const known = keyOf(record, key);
  if (known.live === null || from === null || compare(known.live, from) !== "same") return { outcome: null };
  const version = versionAfter(known, now);
  const live = { ...known.live, content: content(known.live.content) };
  return { record: withKey(record, key, now, { version, live }), outcome: version };
}

/** What a node knows of the use of a session. */
export interface Use {
  readonly usedAt: number;
  readonly vouchedAt: number;
  readonly expiresAt: number | null;
}

/** Merges what a node knows of a session's use; false where the session has ended. rules R3 */
export function touch(
  record: SubjectRecord,
  now: number,
  { key, birth, use }: { readonly key: string; readonly birth: string; readonly use: Use },
): Step<boolean> {
  const { live } = keyOf(record, key);
  if (live?.birth !== birth) return { outcome: false };
  const used = withUse(live, use);
  if (used === live) return { outcome: true };
  return { record: withKey(record, key, now, { live: used }), outcome: true };
}

/** A session with what a node knows of its use; the same one where it knows nothing new. */
export function withUse(live: Live, use: Use): Live {
  const expiresAt = use.vouchedAt >= live.vouchedAt ? use.expiresAt : live.expiresAt;
  const usedAt = Math.max(use.usedAt, live.usedAt);
  const vouchedAt = Math.max(use.vouchedAt, live.vouchedAt);
  const isKnown = usedAt === live.usedAt && vouchedAt === live.vouchedAt && expiresAt === live.expiresAt;
  return isKnown ? live : { ...live, usedAt, vouchedAt, expiresAt };
}

/** Ends a session by one of its clocks, unless another node knows better. rules R3 */
export function endQuietly(
  record: SubjectRecord,
  now: number,
  end: {
    readonly key: string;
    readonly birth: string;
    readonly reason: string;
    /** Whether what all nodes know of the session contradicts the end. */
    readonly isRefuted: (live: Live) => boolean;
  },
): Step<QuietEnd> {
  const known = keyOf(record, end.key);
  const { live } = known;
  if (live?.birth !== end.birth) return { outcome: { kind: "ended", live: null } };
  if (end.isRefuted(live)) return { outcome: { kind: "refuted" } };
  return {
    record: withKey(record, end.key, now, ended(known, end.reason, now)),
    outcome: { kind: "ended", live },
  };
}

/** What became of an end by a clock; `live` is what was taken out, null where somebody else had done it. */
export type QuietEnd = { readonly kind: "ended"; readonly live: Live | null } | { readonly kind: "refuted" };

/** Puts a session back that the store lost, if nothing else is known of its key. */
export function restore(
  record: SubjectRecord,
  now: number,
  { key, live, epochs }: { readonly key: string; readonly live: Live; readonly epochs: Epochs },
): Step<"restored" | "ended"> {
  const known = keyOf(record, key);
  // Another node that had it too was faster.
  if (known.live?.birth === live.birth && known.live.generation >= live.generation)
    return { outcome: "restored" };
  const isBehind = known.live?.birth === live.birth;
  const isLost = known.live === null && known.lease === null;
  if ((!isBehind && !isLost) || known.epoch > epochs.key || record.epoch > epochs.subject) {
    return { outcome: "ended" };
  }
  // The ends before this session are as lost as the session was.
  const withEpochs = { ...record, epoch: Math.max(record.epoch, epochs.subject) };
  const change = { version: versionAfter(known, now), epoch: Math.max(known.epoch, epochs.key), live };
  return { record: withKey(withEpochs, key, now, change), outcome: "restored" };
}

/** A key without its session: what is under way for it does not count any more. */
export function ended(known: KeyRecord, reason: string, now: number): Partial<KeyRecord> {
  return { epoch: epochAfter(known.epoch, now), reason, live: null, lease: null };
}

/** Epochs follow the store's clock, so that no two ends have the same number, also where the first was forgotten. */
export const epochAfter = (epoch: number, now: number): number => Math.max(epoch + 1, Math.floor(now));

/** Where a session stands against the one that a login starts from. */
function compare(live: Live | null, from: From): "same" | "ended" | "live" {
  if (from === null) return live === null ? "same" : "live";
  if (live?.birth !== from.birth) return "ended";
  return live.generation > from.generation ? "live" : "same";
}

/** Versions follow the store's clock too, so that they go up past the loss of a document. */
const versionAfter = (known: KeyRecord, now: number): number => Math.max(known.version + 1, Math.floor(now));

const sameEpochs = (a: Epochs, b: Epochs): boolean => a.key === b.key && a.subject === b.subject;
