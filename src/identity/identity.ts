/** Who the host application says the current person is. */
export interface Identity {
  /** The subject at the tenant's identity provider; exact, never normalised. 1 to 256 characters. */
  readonly subject: string;
  /** Display name; the subject where the host gives none. */
  readonly name?: string;
  readonly email?: string;
  /** Whether the host has verified the e-mail address. */
  readonly emailVerified?: boolean;
  /** Names of the groups, as they should exist in the tenant. */
  readonly groups?: readonly string[];
  /** The host session's id; with it, a log-out ends that host session's content only. */
  readonly sessionId?: string;
  /** When the host's word ends, in milliseconds since the Unix epoch. */
  readonly expiresAt?: number;
  /**
   * When the user last proved to the host who they are, in milliseconds since the Unix epoch; by default the moment of the
   * request. After a log-out or a revocation, only a later proof lets the user in again.
   */
  readonly evidenceAt?: number;
}
