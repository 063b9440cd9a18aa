import type { Epochs } from "../registry/subject-record.ts";
import type { Claims } from "../tenant/claims.ts";
import type { TenantSession } from "./tenant-session.ts";

const endReasons = ["logout", "revoked", "idle", "expired", "lifetime", "refused", "lost", "closed"] as const;

/** Why a proxy session ended; "lost" = the store does not know it any more. */
export type EndReason = (typeof endReasons)[number];

/**
 * Whether requests under way may finish after such an end: the user is still vouched for, and the next request has a
 * session again. rules R3
 */
export const mayFinish = (reason: EndReason): boolean => reason === "lifetime" || reason === "lost";

/** Ended by a clock while it was opened: who is vouched for gets another one. */
export const mayReturn = (reason: EndReason): boolean => reason === "idle" || mayFinish(reason);

/** Reads a reason that another node wrote. */
export function toEndReason(text: string): EndReason {
  return endReasons.find((each) => each === text) ?? "lost";
}

/** Our record of one user's embedded content, as this node sees it. */
export interface ProxySession {
  /** Keyed hash of tenant, subject and host session id. rules R1 */
  readonly key: string;
  readonly subject: string;
  readonly subjectHash: string;
  /** Whether the host gave a session id; decides who may come back after a log-out. rules R1 */
  readonly hasHostSession: boolean;
  /** Tells this session from the others that its key had and will have, on every node. */
  readonly birth: string;
  readonly createdAt: number;
  /** When the host vouched for the request that began it. */
  readonly openedAt: number;
  /** The ends that the store knew of when it last agreed. */
  epochs: Epochs;
  /** Of what the store holds of it, as this node has it. */
  version: number;
  /** When the store was last asked and agreed that it lives. */
  checkedAt: number;
  /** How often something was said of it that the store has to confirm. */
  doubts: number;
  /** Until when no notice on it can have been missed, at the last doubt; 0 where none was raised yet. */
  sureUntil: number;
  /** Since when the store could not be asked about it; null while it can. */
  blindSince: number | null;
  /** What the host last said of the user; the tenant knows it once a generation was made with it. rules R9 */
  claims: Claims;
  /** When the host said so. */
  claimsAt: number;
  /** When a renewal for changed claims was last tried. */
  claimsTriedAt: number;
  /** When the host's word ends; undefined where it named no end. */
  expiresAt: number | undefined;
  /** Last request, or data frame of the browser, that counts as use. rules R3 */
  lastUsedAt: number;
  /** When the host last vouched for the user: the latest request that it named the user for. */
  vouchedAt: number;
  /** When the latest word of the host was given that this node has seen: it may be older than the request. rules R1 */
  evidenceAt: number;
  /** What the other nodes know of the three above. */
  shared: SharedUse;
  current: TenantSession;
  /** Generations that are still used by an exchange or a socket, and those that only other nodes may use. */
  readonly older: Set<TenantSession>;
  /** Times of the latest renewals, newest last. */
  renewedAt: readonly number[];
  /** When a background renewal was last tried; 0 for never. */
  renewalTriedAt: number;
  /** Requests on their way; a session is not idle while it has one. */
  exchanges: number;
  /** How often all sockets had to pass admission again; a handshake from before the last time is out of date. */
  socketEpoch: number;
  ended: EndReason | null;
  /** Called once when the session ends: exchanges in flight break off. */
  readonly onEnd: Set<(reason: EndReason) => void>;
}

/** What all nodes know of the use of a session. */
export interface SharedUse {
  readonly usedAt: number;
  readonly vouchedAt: number;
  readonly expiresAt: number | undefined;
}

/** The digits of a session key that a log line shows; the ones before them are the subject's. */
export function shownKey(session: Pick<ProxySession, "key">): string {
  return session.key.slice(32, 44);
}
