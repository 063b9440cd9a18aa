import type { HeaderLine } from "./answer.ts";
import type { EmulatorClock } from "./clock.ts";
import { createCookieSigner, expiredCookie, parseCookies, sessionCookie } from "./cookies.ts";
import { createCsrfSecret, type CsrfSecret } from "./csrf.ts";
import type { Milliseconds, TenantModes } from "./modes.ts";
import { randomUrlSafe, shuffled } from "./random-values.ts";
import type { TenantUser, UserDirectory } from "./users.ts";

/** How long a session lives; a change touches only sessions created afterwards (facts §2.3). */
export interface SessionLimits {
  /** Time without a request. Milliseconds; 30 minutes by default. */
  idle: Milliseconds;
  /** Time since the login. Milliseconds; 24 hours by default. */
  lifetime: Milliseconds;
}

/** Why a session ended. */
export type SessionEnd = "idle" | "lifetime" | "logout" | "expired" | "killed";

/** A session of the tenant. */
export interface UserSession {
  /** Stable over cookie rotations; never on the wire. */
  readonly id: string;
  readonly subject: string;
  /** The user as of now: a later login of the same subject may have refreshed it. */
  readonly user: TenantUser;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly csrf: CsrfSecret;
}

interface StoredSession extends UserSession {
  lastUsedAt: number;
  sid: string;
  /** A value that the client has not been told yet. */
  pendingSid: string | undefined;
  /** The value before the last rotation, taken until `until`. */
  previous: { readonly sid: string; readonly until: number } | undefined;
  readonly limits: Readonly<SessionLimits>;
}

/** All sessions of the tenant. */
export interface SessionStore {
  /** Limits of sessions created from now on. */
  readonly limits: SessionLimits;
  /** Starts a session and makes its cookies (facts §2.2). */
  start(user: TenantUser): { readonly session: UserSession; readonly cookies: readonly HeaderLine[] };
  /** Finds the session that the cookies name, if its signature is true and no limit has passed. Does not extend it. */
  find(cookieHeader: string | undefined): UserSession | undefined;
  /** Finds a session by its id, if no limit has passed. Does not extend it. */
  findById(id: string): UserSession | undefined;
  /** Counts a use. */
  touch(session: UserSession): void;
  /** The cookies that a rotation has made new and the client has not been told yet (facts §2.2). */
  takeRotatedCookies(session: UserSession): readonly HeaderLine[];
  end(session: UserSession, why: SessionEnd): void;
  /** Ends all sessions of the subject, or all; returns how many. */
  endAll(why: SessionEnd, subject?: string): number;
  /** Gives the sessions a new `eas.sid` with their next answer; returns how many. */
  rotate(subject?: string): number;
  list(): readonly UserSession[];
  /** Ends what has passed a limit. */
  sweep(): void;
}

/** What a session store works with. */
export interface SessionStoreOptions {
  readonly clock: EmulatorClock;
  readonly modes: TenantModes;
  readonly users: UserDirectory;
  readonly limits: SessionLimits;
  readonly ended: (session: UserSession, why: SessionEnd) => void;
}

/** Makes the lines that delete the cookies of a session (facts §2.4). */
export function logoutCookies(): readonly HeaderLine[] {
  return ["eas.sid", "eas.sid.sig", "_csrfToken", "_csrfToken.sig"].map(expiredCookie);
}

function passedLimit(session: StoredSession, now: number): SessionEnd | undefined {
  if (now - session.createdAt >= session.limits.lifetime) return "lifetime";
  if (now - session.lastUsedAt >= session.limits.idle) return "idle";
  return undefined;
}

/** Creates an empty store. */
export function createSessionStore(options: SessionStoreOptions): SessionStore {
  const { clock, modes, users } = options;
  const signer = createCookieSigner();
  const bySid = new Map<string, StoredSession>();
  const byId = new Map<string, StoredSession>();
  const signed = (name: string, value: string): HeaderLine[] => [
    sessionCookie(name, value, modes.secureCookies),
    sessionCookie(`${name}.sig`, signer.sign(name, value, modes.signatureLength), modes.secureCookies),
  ];
  const end = (session: UserSession, why: SessionEnd): void => {
    const stored = byId.get(session.id);
    if (stored === undefined) return;
    byId.delete(stored.id);
    for (const sid of [stored.sid, stored.pendingSid, stored.previous?.sid])
      if (sid !== undefined) bySid.delete(sid);
    options.ended(stored, why);
  };
  const of = (subject?: string): StoredSession[] =>
    [...byId.values()].filter((session) => subject === undefined || session.subject === subject);
  const alive = (session: StoredSession): boolean => {
    const why = passedLimit(session, clock.now());
    if (why !== undefined) end(session, why);
    return why === undefined;
  };
  return {
    limits: options.limits,
    start(user) {
      const now = clock.now();
      const session: StoredSession = {
        id: randomUrlSafe(16),
        subject: user.subject,
        get user() {
          return users.find(user.subject) ?? user;
        },
        createdAt: now,
        lastUsedAt: now,
        csrf: createCsrfSecret(),
        sid: randomUrlSafe(32),
        pendingSid: undefined,
        previous: undefined,
        limits: { ...options.limits },
      };
      byId.set(session.id, session);
      bySid.set(session.sid, session);
      const cookies = [...signed("eas.sid", session.sid), ...signed("_csrfToken", session.csrf.mint())];
      return { session, cookies: modes.shuffleCookies ? shuffled(cookies) : cookies };
    },
    find(cookieHeader) {
      const cookies = parseCookies(cookieHeader);
      const sid = cookies.get("eas.sid");
      const signature = cookies.get("eas.sid.sig");
      if (sid === undefined || signature === undefined) return undefined;
      const session = signer.verify("eas.sid", sid, signature) ? bySid.get(sid) : undefined;
      if (session === undefined || !alive(session)) return undefined;
      const isStale = session.previous?.sid === sid && clock.now() >= session.previous.until;
      return isStale ? undefined : session;
    },
    findById(id) {
      const session = byId.get(id);
      return session !== undefined && alive(session) ? session : undefined;
    },
    touch(session) {
      const stored = byId.get(session.id);
      if (stored !== undefined) stored.lastUsedAt = clock.now();
    },
    takeRotatedCookies(session) {
      const stored = byId.get(session.id);
      if (stored?.pendingSid === undefined) return [];
      if (stored.previous !== undefined) bySid.delete(stored.previous.sid);
      stored.previous = { sid: stored.sid, until: clock.now() + modes.rotationGrace };
      stored.sid = stored.pendingSid;
      stored.pendingSid = undefined;
      bySid.set(stored.sid, stored);
      return signed("eas.sid", stored.sid);
    },
    end,
    endAll(why, subject) {
      const sessions = of(subject);
      for (const session of sessions) end(session, why);
      return sessions.length;
    },
    rotate(subject) {
      const sessions = of(subject);
      for (const session of sessions) session.pendingSid = randomUrlSafe(32);
      return sessions.length;
    },
    list: () => of().filter(alive),
    sweep() {
      for (const session of of()) alive(session);
    },
  };
}
