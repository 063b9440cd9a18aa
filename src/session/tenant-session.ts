import type { CookieJar } from "../http/cookie-jar.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Claims } from "../tenant/claims.ts";
import { belongsToSession, csrfCookie, sessionCookie } from "../tenant/cookies.ts";

/** One generation: the cookies and the CSRF token that one login at the tenant gave. rules R5 */
export interface TenantSession {
  /** 1 for the first login of a proxy session, then counting up. */
  readonly generation: number;
  /** Replaced as a whole when another node says what the tenant changed. */
  jar: CookieJar;
  /** Names of cookies that the tenant replaced here, and the other nodes do not know yet. */
  readonly unshared: Set<string>;
  /** What the tenant was told of the user. */
  readonly claims: Claims;
  readonly createdAt: number;
  /** Whether this node logged in for it, or heard of it from another. */
  readonly isOwn: boolean;
  /** The token for requests with effects and for upgrades; null until it is needed. facts §3 */
  csrfToken: Secret | null;
  /** When the tenant last answered a request of this session with 2xx, or a handshake with 101; 0 for never. */
  provenAt: number;
  /** When the last request of this session was sent: what the tenant's idle limit counts. facts §2.3 */
  lastSentAt: number;
  /** Exchanges and sockets that still use this generation. */
  users: number;
  /** Set when the session was ended at the tenant, or is about to be. */
  over: boolean;
}

/** Wraps the cookies of a fresh login. */
export function createTenantSession(
  login: { readonly generation: number; readonly jar: CookieJar; readonly claims: Claims },
  now: number,
): TenantSession {
  return {
    ...login,
    unshared: new Set(),
    createdAt: now,
    isOwn: true,
    csrfToken: null,
    provenAt: 0,
    lastSentAt: now,
    users: 0,
    over: false,
  };
}

/** The cookies for a request to `path`, "" where there are none. */
export function cookieFor(session: TenantSession, path: string, now: number): string {
  session.lastSentAt = now;
  return session.jar.header(path, now);
}

/** The token minted at login, for tenants that do not hand out another. facts §2.2, §3 */
export function tokenFromLogin(session: TenantSession, now: number): string | undefined {
  return session.jar.get(csrfCookie, now);
}

/**
 * Takes the cookies of an answer into the generation that the request was made with. rules R5
 *
 * Cookies of the session only from answers that a living session gives; those of load balancers from every answer.
 * A deletion of the session's own cookies is not obeyed, because a late answer must not empty a living jar; it is
 * reported, so that the session can be probed.
 */
export function absorbCookies(
  session: TenantSession,
  answer: { readonly status: number; readonly setCookies: readonly string[]; readonly authLoss: boolean },
  now: number,
): Absorption {
  const { status, authLoss, setCookies } = answer;
  if (!authLoss && (status === 101 || (status >= 200 && status < 300))) session.provenAt = now;
  if (setCookies.length === 0) return { isDoubtful: false, isChanged: false };
  const living = !authLoss && (status === 101 || (status >= 200 && status < 400));
  let isDoubtful = false;
  const { changed } = session.jar.absorb(setCookies, now, (name, deletes) => {
    if (!belongsToSession(name)) return true;
    if (living && deletes && name === sessionCookie) isDoubtful = true;
    return living && !deletes;
  });
  const isChanged = changed.some(belongsToSession);
  for (const name of changed) if (belongsToSession(name)) session.unshared.add(name);
  return { isDoubtful, isChanged };
}

/** What an answer's cookies mean for the session. */
export interface Absorption {
  /** The tenant took the session cookie back: it may not know the session any more. */
  readonly isDoubtful: boolean;
  /** Cookies of the session are new; the other nodes should know. */
  readonly isChanged: boolean;
}
