import { SessionProxyError } from "../errors.ts";
import { publish } from "../kernel/channels.ts";
import type { Clock } from "../kernel/clock.ts";
import { createSingleFlight } from "../kernel/single-flight.ts";
import type { AssertionKey } from "../tenant/assertion.ts";
import { sameClaims, toClaims, type ClaimSource } from "../tenant/claims.ts";
import type { TenantCall } from "../tenant/port.ts";
import { createEnds, type Ends } from "./ends.ts";
import { Generations } from "./generations.ts";
import { createLoginGate, type LoginGate } from "./login-gate.ts";
import { shownKey, type EndReason, type ProxySession } from "./proxy-session.ts";
import { nextDeadline, type Deadline, type SessionDurations } from "./session-deadlines.ts";
import { createSessionKeys, type SessionKeys, type SessionOwner } from "./session-key.ts";
import { createTenantAccess, type TenantAccess } from "./tenant-access.ts";
import type { TenantSession } from "./tenant-session.ts";

/** What the manager needs from the floors around it. */
export interface SessionManagerOptions {
  readonly clock: Clock;
  readonly tenant: {
    readonly origin: string;
    readonly signingKey: AssertionKey;
    /** Whether cookies marked `Secure` may be sent: on https, or where plain http was asked for. */
    readonly useSecureCookies: boolean;
  };
  readonly durations: SessionDurations;
  /** Milliseconds for each request of the proxy's own to the tenant. */
  readonly loginTimeout: number;
  readonly loginsPerMinute: number;
  /** The call to the tenant for one session key; its connections are not shared with other sessions. */
  readonly callFor: (key: string) => TenantCall;
  /** Whether the session has sockets; they must not outlive what the host last said. */
  readonly hasSockets: (session: ProxySession) => boolean;
  /** Sockets of the session have to pass admission again (4003), or are over (4203). */
  readonly closeSockets: (session: ProxySession, code: 4003 | 4203, reason: string) => void;
  /** The session is gone; its connections may be closed. */
  readonly released: (key: string) => void;
}

/** An identity as the host gave it, and when. */
export interface Evidence {
  readonly identity: SessionSubject;
  /** When the host vouched, in milliseconds. rules R1 */
  readonly at: number;
  /** Asks the host again, past any cache; null where it no longer vouches. */
  again(): Promise<SessionSubject | null>;
}

/** What a session needs to know of an identity. */
export type SessionSubject = ClaimSource & SessionOwner & { readonly expiresAt?: number };

/** The longest an end is remembered past the life of a session: lease and slack. Milliseconds; rules R1 */
const tombstoneSlack = 5 * 60_000;

/** Changed claims renew a session at most this often. Milliseconds; rules R9 */
const claimsPause = 30_000;

/** Timers wait at least this long, so that a deadline that stays due cannot spin. Milliseconds. */
const shortestWait = 100;

/** Keeps the proxy sessions of one tenant: one login each, renewed unseen, ended for good. */
export class SessionManager {
  readonly tenant: TenantAccess;
  readonly generations: Generations;
  readonly #options: SessionManagerOptions;
  readonly #clock: Clock;
  readonly #keys: SessionKeys;
  readonly #ends: Ends;
  readonly #gate: LoginGate;
  readonly #sessions = new Map<string, ProxySession>();
  readonly #timers = new Map<string, () => void>();
  readonly #logins = createSingleFlight<string, ProxySession>();
  #closed = false;

  constructor(options: SessionManagerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#keys = createSessionKeys(options.tenant.origin);
    this.#gate = createLoginGate(options.clock, options.loginsPerMinute);
    const keepEnds = options.durations.maxLifetime + options.loginTimeout + tombstoneSlack;
    this.#ends = createEnds(options.clock, keepEnds);
    this.tenant = createTenantAccess({
      ...options.tenant,
      clock: options.clock,
      timeout: options.loginTimeout,
      gate: this.#gate,
      callFor: options.callFor,
    });
    this.generations = new Generations({
      clock: options.clock,
      tenant: this.tenant,
      ends: this.#ends,
      renewed: (session) => this.#schedule(session),
      refused: (session) => this.#end(session, "refused"),
    });
  }

  /** Number of living sessions. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Whether the tenant refuses or throttles every login at the moment. */
  get loginsHeldBack(): boolean {
    return this.#gate.closed;
  }

  /** The session of an identity, without making one. */
  find(owner: SessionOwner): ProxySession | undefined {
    return this.#sessions.get(this.#keys.keyOf(owner));
  }

  /** When the session ends by itself if it is not used, in milliseconds since the epoch. */
  endsAt(session: ProxySession): { readonly idle: number; readonly expiry: number } {
    const { idleTimeout, maxLifetime } = this.#options.durations;
    return {
      idle: session.lastUsedAt + idleTimeout,
      expiry: Math.min(session.createdAt + maxLifetime, session.expiresAt ?? Number.POSITIVE_INFINITY),
    };
  }

  /** The session of an identity; a promise only where a login is needed. @throws SessionProxyError */
  acquire(evidence: Evidence): ProxySession | Promise<ProxySession> {
    const { identity } = evidence;
    if (identity.expiresAt !== undefined && identity.expiresAt <= this.#clock.now()) {
      throw new SessionProxyError("QSP-UNAUTHENTICATED");
    }
    const key = this.#keys.keyOf(identity);
    // Asked for a living session too: a request that began before an end does not join the session made after it.
    if (!this.#ends.admits(key, identity, evidence.at)) throw new SessionProxyError("QSP-UNAUTHENTICATED");
    const session = this.#sessions.get(key);
    if (session && this.#stillRuns(session)) {
      this.#vouch(session, evidence);
      return session;
    }
    if (this.#closed) throw new SessionProxyError("QSP-BUSY", { retryAfter: 0 });
    return this.#logins.run(key, () => this.#open(key, evidence));
  }

  /** Counts as use of the session. rules R3 */
  touch(session: ProxySession): void {
    session.lastUsedAt = this.#clock.now();
  }

  /** One more request on its way; the returned function ends it, and counts as use once more. */
  enter(session: ProxySession): () => void {
    session.exchanges += 1;
    return () => {
      session.exchanges -= 1;
      this.touch(session);
      if (!session.ended && session.exchanges === 0) this.#schedule(session);
    };
  }

  /** To be called when a socket of the session was opened: its clocks count from now on. rules R3 */
  socketOpened(session: ProxySession): void {
    if (!session.ended) this.#schedule(session);
  }

  /** Looks in the background whether a generation is still alive, and renews it where it is not. rules R5 */
  suspect(session: ProxySession, generation: TenantSession): void {
    if (!session.ended) this.#inBackground(this.generations.afterAuthLoss(session, generation));
  }

  /** Ends one session; resolves when the tenant was told. */
  async logout(owner: SessionOwner): Promise<void> {
    const key = this.#keys.keyOf(owner);
    this.#ends.endKey(key);
    const session = this.#sessions.get(key);
    if (session) await this.#end(session, "logout");
  }

  /** Ends every session of a subject; no new one for `blockFor` milliseconds. */
  async revoke(subject: string, blockFor: number): Promise<void> {
    this.#ends.endSubject(subject, blockFor);
    const theirs = [...this.#sessions.values()].filter((session) => session.subject === subject);
    for (const session of theirs) if (session.hasHostSession) this.#ends.endKey(session.key);
    await Promise.all(theirs.map((session) => this.#end(session, "revoked")));
  }

  /** Ends every session at the tenant and stops all timers. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#sessions.values()].map((session) => this.#end(session, "closed")));
  }

  async #open(key: string, evidence: Evidence): Promise<ProxySession> {
    const { subject } = evidence.identity;
    const epoch = this.#ends.epoch(key, subject);
    const identity = await evidence.again();
    if (!identity || this.#keys.keyOf(identity) !== key) throw new SessionProxyError("QSP-UNAUTHENTICATED");
    const subjectHash = this.#keys.hashOf(subject);
    const current = await this.tenant.login({ key, subjectHash }, toClaims(identity), 1);
    if (this.#closed || this.#ends.epoch(key, subject) !== epoch) {
      // A host session that was ended while it logged in is as ended as one that had.
      if (identity.sessionId !== undefined) this.#ends.endKey(key);
      await this.tenant.end(key, current);
      throw new SessionProxyError("QSP-UNAUTHENTICATED");
    }
    const now = this.#clock.now();
    const session: ProxySession = {
      key,
      subject,
      subjectHash,
      hasHostSession: identity.sessionId !== undefined,
      createdAt: now,
      claims: current.claims,
      claimsAt: evidence.at,
      claimsTriedAt: now,
      expiresAt: identity.expiresAt,
      lastUsedAt: now,
      vouchedAt: evidence.at,
      current,
      older: new Set(),
      renewedAt: [],
      renewalTriedAt: 0,
      exchanges: 0,
      socketEpoch: 0,
      ended: null,
      onEnd: new Set(),
    };
    this.#sessions.set(key, session);
    this.#schedule(session);
    this.#tell("session.created", session);
    return session;
  }

  #vouch(session: ProxySession, { identity, at }: Evidence): void {
    session.vouchedAt = Math.max(session.vouchedAt, at);
    if (session.expiresAt !== identity.expiresAt) {
      session.expiresAt = identity.expiresAt;
      this.#schedule(session);
    }
    if (at >= session.claimsAt) {
      session.claims = toClaims(identity);
      session.claimsAt = at;
    }
    const isKnown = sameClaims(session.claims, session.current.claims);
    if (isKnown || this.#clock.now() < session.claimsTriedAt + claimsPause) return;
    session.claimsTriedAt = this.#clock.now();
    this.#inBackground(
      this.generations.renewClaims(session).then(({ lostGroup }) => {
        if (lostGroup) this.#moveSockets(session, "QSP-CLAIMS");
      }),
    );
  }

  /** Sockets have to pass admission again, those under way too. */
  #moveSockets(session: ProxySession, reason: string): void {
    session.socketEpoch += 1;
    this.#options.closeSockets(session, 4003, reason);
  }

  /** Ends a session: at once for everything here, then at the tenant. */
  async #end(session: ProxySession, reason: EndReason): Promise<void> {
    if (session.ended) return;
    session.ended = reason;
    this.#sessions.delete(session.key);
    this.#timers.get(session.key)?.();
    this.#timers.delete(session.key);
    const mayReturn = reason === "lifetime" || reason === "closed";
    this.#options.closeSockets(session, mayReturn ? 4003 : 4203, `QSP-${reason.toUpperCase()}`);
    for (const listener of session.onEnd) listener(reason);
    session.onEnd.clear();
    this.#tell("session.ended", session, reason);
    await this.generations.endAll(session);
    if (!this.#sessions.has(session.key)) this.#options.released(session.key);
  }

  #due(session: ProxySession): Deadline {
    return nextDeadline(session, this.#options.durations, { sockets: this.#options.hasSockets(session) });
  }

  /** A timer may be late, on a machine that slept; a session past its end is not served. */
  #stillRuns(session: ProxySession): boolean {
    const due = this.#due(session);
    if (due.ends && due.at <= this.#clock.now()) this.#onDeadline(session);
    return session.ended === null;
  }

  #schedule(session: ProxySession): void {
    this.#timers.get(session.key)?.();
    const wait = Math.max(shortestWait, this.#due(session).at - this.#clock.now());
    this.#timers.set(
      session.key,
      this.#clock.setTimer(wait, () => this.#onDeadline(session)),
    );
  }

  #onDeadline(session: ProxySession): void {
    if (session.ended) return;
    const now = this.#clock.now();
    const due = this.#due(session);
    if (due.at <= now) this.#meet(session, due.what, now);
    if (!session.ended) this.#schedule(session);
  }

  #meet(session: ProxySession, what: Deadline["what"], now: number): void {
    if (what === "revalidate") {
      session.vouchedAt = now;
      this.#moveSockets(session, "QSP-REVALIDATE");
    } else if (what === "keep-alive") {
      session.current.lastSentAt = now;
      this.#inBackground(this.generations.keepAlive(session));
    } else if (what === "renew") {
      session.renewalTriedAt = now;
      this.#inBackground(this.generations.renew(session, session.current, "lifetime"));
    } else {
      this.#inBackground(this.#end(session, what));
    }
  }

  /** For work that nobody waits for: its failure was told where it happened, and the next request meets the same state. */
  #inBackground(task: Promise<unknown>): void {
    task.catch(() => {});
  }

  #tell(event: string, session: ProxySession, reason?: string): void {
    publish("session", () => ({
      event,
      session: shownKey(session),
      subjectHash: session.subjectHash,
      tenant: this.#options.tenant.origin,
      ...(reason === undefined ? {} : { reason }),
    }));
  }
}
