import {
  epochsOf,
  keyOf,
  type Epochs,
  type Hold,
  type Live,
  type SharedClaims,
  type SubjectRecord,
} from "./subject-record.ts";
import type { Use } from "./transitions.ts";

/** What the store says of a key, in this node's time. */
export interface View {
  readonly epochs: Epochs;
  readonly version: number;
  readonly live: Live | null;
  /** Why the last session ended; "" where none did. */
  readonly reason: string;
  readonly hold: Hold | null;
  readonly claims: SharedClaims | null;
  /** This node's clock minus the store's: for the times in the content of a session. */
  readonly offset: number;
}

/** What this node knows of the use of a session that it has at hand. */
export interface UseHere {
  readonly birth: string;
  readonly lastUsedAt: number;
  readonly vouchedAt: number;
  readonly expiresAt: number | undefined;
}

/** What a record says of a key, in this node's time; `offset` is this node's clock minus the store's. */
export function viewOf(record: SubjectRecord, key: string, offset: number): View {
  const known = keyOf(record, key);
  const { hold, claims } = record;
  return {
    epochs: epochsOf(record, key),
    version: known.version,
    live: known.live && inLocalTime(known.live, offset),
    reason: known.reason,
    offset,
    hold: hold && { ...hold, until: hold.until + offset },
    claims: claims && {
      ...claims,
      at: claims.at + offset,
      triedAt: claims.triedAt && claims.triedAt + offset,
    },
  };
}

/** What this node knows of a session, by the store's clock; null where it has another session or none. */
export function inStoreTime(use: UseHere | undefined, birth: string, offset: number): Use | null {
  if (use?.birth !== birth) return null;
  return {
    usedAt: use.lastUsedAt - offset,
    vouchedAt: use.vouchedAt - offset,
    expiresAt: use.expiresAt === undefined ? null : use.expiresAt - offset,
  };
}

/** Moves the times of a session from one clock to another. */
export function inLocalTime(live: Live, offset: number): Live {
  return {
    ...live,
    openedAt: live.openedAt + offset,
    createdAt: live.createdAt + offset,
    usedAt: live.usedAt + offset,
    vouchedAt: live.vouchedAt + offset,
    expiresAt: live.expiresAt === null ? null : live.expiresAt + offset,
  };
}
