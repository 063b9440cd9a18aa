import type { CookieJar } from "../http/cookie-jar.ts";
import type { Secret } from "../kernel/secret.ts";
import { belongsToSession, type Backend, type Credential } from "../tenant/backend.ts";
import type { Claims } from "../tenant/claims.ts";

/** One generation: what one login at the tenant gave, its cookies or its token. rules R5 */
export interface TenantSession extends Credential {
  /** How requests of this session are made; a reload changes nothing of it. */
  readonly backend: Backend;
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

/** What a fresh login gave, and to whom. */
export interface FreshSession {
  readonly generation: number;
  readonly backend: Backend;
  readonly credential: Credential;
  readonly claims: Claims;
}

/** Wraps what a fresh login gave. */
export function createTenantSession(
  { generation, backend, credential, claims }: FreshSession,
  now: number,
): TenantSession {
  return {
    generation,
    backend,
    claims,
    jar: credential.jar,
    accessToken: credential.accessToken,
    endsAt: credential.endsAt,
    csrfToken: credential.csrfToken,
    unshared: new Set(),
    createdAt: now,
    isOwn: true,
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
  const cookie = session.backend.csrf?.cookie ?? null;
  return cookie === null ? undefined : session.jar.get(cookie, now);
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
  const { backend } = session;
  let isDoubtful = false;
  const { changed } = session.jar.absorb(setCookies, now, (name, deletes) => {
    const role = backend.cookieRole(name);
    if (role === "other") return true;
    if (role === "unwanted") return false;
    if (living && deletes && role === "session-id") isDoubtful = true;
    return living && !deletes;
  });
  const ofSession = changed.filter((name) => belongsToSession(backend, name));
  const isChanged = ofSession.length > 0;
  for (const name of ofSession) session.unshared.add(name);
  return { isDoubtful, isChanged };
}

/** What an answer's cookies mean for the session. */
export interface Absorption {
  /** The tenant took the session cookie back: it may not know the session any more. */
  readonly isDoubtful: boolean;
  /** Cookies of the session are new; the other nodes should know. */
  readonly isChanged: boolean;
}
