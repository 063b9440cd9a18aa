/** A length of time in milliseconds, 0 or more. */
export type Milliseconds = number;

/**
 * What the sources leave open about a tenant, or say in two ways: each can be switched while the local tenant runs.
 * The defaults are the "EMU" lines of the facts.
 */
export interface TenantModes {
  /** HTTP status of a refused login token; 401 by default. The sources show only the body (facts §1.4). */
  badTokenStatus: 400 | 401;
  /** Whether the claim `subType` must be there; true by default. Documented, but two vendor samples omit it (facts §1.3). */
  requireSubType: boolean;
  /** Whether `email` and `email_verified` must be there; true by default (facts §1.3). */
  requireEmail: boolean;
  /** Whether `jti` must be there and is single-use; true by default (facts §1.3). */
  requireJti: boolean;
  /** Whether an identity provider's certificate must be within its dates; false by default (facts §1.2). */
  enforceCertificateDates: boolean;
  /** Whether frames that a client sends keep its session awake; true by default (facts §2.3). */
  socketFramesCountAsActivity: boolean;
  /** Answer to REST from an Origin that no web integration lists; "refuse" (403) by default (facts §13). */
  foreignOrigin: "refuse" | "answerWithoutCors";
  /** Answer to an upgrade without a session; "401" by default (facts §13). */
  socketWithoutSession: "401" | "closeAfter101";
  /** Whether open sockets are closed with 4203 when their session ends; false by default (facts §13). */
  endSocketsWithSession: boolean;
  /** Whether an upgrade needs a CSRF token; true by default (facts §3). */
  requireSocketCsrf: boolean;
  /** Whether the login cookies come in a new order each time; true by default (facts §13). */
  shuffleCookies: boolean;
  /** Whether the load balancer's cookies are on every answer; true by default (facts §2.2), false with `qlik-sense-jwt`. */
  loadBalancerCookies: boolean;
  /**
   * Whether the session cookies are `Secure; SameSite=None`; true by default. Without, a browser that takes no such
   * cookie over plain HTTP can be used; no source names the real attributes (facts §2.2).
   */
  secureCookies: boolean;
  /** Length of a `.sig` cookie: 86 (by default) or 27 as older captures show (facts §2.2). */
  signatureLength: 27 | 86;
  /** How long the old `eas.sid` is still taken after a rotation was announced. Milliseconds; 10000 by default (facts §2.2). */
  rotationGrace: Milliseconds;
  /** Factor on the documented rate limits; "off" by default (facts §7). */
  rateLimit: "off" | number;
  /**
   * Whether a token for a subject that is not known creates the user; false by default: users have to be there before they
   * are impersonated (facts §9). Of `qlik-cloud-oauth`.
   */
  createUsersOnImpersonation: boolean;
  /** Who may use the administration paths; "everyone" by default, so that a policy in front is what must stop them (facts §6.2). */
  administrators: "everyone" | "nobody";
  /** Whether a user's first use assigns a licence; true by default (facts §2.5). */
  autoAssignLicense: boolean;
  /** Whether groups of a login token become the user's; true by default. The tenant's setting is off at first (facts §1.3). */
  takeOverGroups: boolean;
  /** How long after a user's first login the engine refuses that user. Milliseconds; 0 by default (facts §2.5). */
  propagationLag: Milliseconds;
  /** Whether `boot/core-init` answers; true by default. 404 is legal too (facts §6.1). */
  bootEndpoint: boolean;
  /** Whether compressible answers are compressed for clients that accept gzip; true by default. */
  compression: boolean;
  /** How long a WebSocket may be without traffic before it is cut; "never" by default. Milliseconds (facts §5.6). */
  socketIdleCut: Milliseconds | "never";
  /** Time between two pings of the tenant on a WebSocket; "never" by default. Milliseconds (facts §5.6). */
  socketPing: Milliseconds | "never";
  /** Time between two server-sent events. Milliseconds; 100 by default. */
  eventInterval: Milliseconds;
}

/** Completes the modes that were given with the defaults. */
export function resolveModes(given: Partial<TenantModes> = {}): TenantModes {
  return {
    badTokenStatus: 401,
    requireSubType: true,
    requireEmail: true,
    requireJti: true,
    enforceCertificateDates: false,
    socketFramesCountAsActivity: true,
    foreignOrigin: "refuse",
    socketWithoutSession: "401",
    endSocketsWithSession: false,
    requireSocketCsrf: true,
    shuffleCookies: true,
    loadBalancerCookies: true,
    secureCookies: true,
    signatureLength: 86,
    rotationGrace: 10_000,
    rateLimit: "off",
    createUsersOnImpersonation: false,
    administrators: "everyone",
    autoAssignLicense: true,
    takeOverGroups: true,
    propagationLag: 0,
    bootEndpoint: true,
    compression: true,
    socketIdleCut: "never",
    socketPing: "never",
    eventInterval: 100,
    ...given,
  };
}
