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
  /** Whose content the person sees, where several tenants are told apart by this; exact, as `match.claim` writes it. */
  readonly tenant?: string;
  /** When the host's word ends, in milliseconds since the Unix epoch. */
  readonly expiresAt?: number;
  /**
   * When the host's word was given, in milliseconds since the Unix epoch; when the request came, where it is left out. A word
   * from before a log-out does not open a session after it.
   */
  readonly evidenceAt?: number;
  /**
   * When the host said the name, e-mail and groups, in milliseconds since the Unix epoch; `evidenceAt`, where it is left out. Of
   * two words on one person the later one counts.
   */
  readonly claimsAt?: number;
}

/** Who somebody is, now or when it is known. */
export type Named = Identity | null | Promise<Identity | null>;
