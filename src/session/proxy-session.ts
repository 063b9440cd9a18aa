import type { Claims } from "../tenant/claims.ts";
import type { TenantSession } from "./tenant-session.ts";

/** Why a proxy session ended. */
export type EndReason = "logout" | "revoked" | "idle" | "expired" | "lifetime" | "refused" | "closed";

/** Our record of one user's embedded content. */
export interface ProxySession {
  /** Keyed hash of tenant, subject and host session id. rules R1 */
  readonly key: string;
  readonly subject: string;
  readonly subjectHash: string;
  /** Whether the host gave a session id; decides who may come back after a log-out. rules R1 */
  readonly hasHostSession: boolean;
  readonly createdAt: number;
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
  /** When the host last vouched for the user. */
  vouchedAt: number;
  current: TenantSession;
  /** Generations that are still used by an exchange or a socket. */
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

/** The digits of a session key that a log line shows. */
export function shownKey(session: Pick<ProxySession, "key">): string {
  return session.key.slice(0, 12);
}
