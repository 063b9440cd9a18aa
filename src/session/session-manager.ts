import { SessionProxyError } from "../errors.ts";
import type { Clock } from "../kernel/clock.ts";
import { createSingleFlight } from "../kernel/single-flight.ts";
import type { Notice } from "../registry/bus.ts";
import { useSharedPart } from "../registry/overdue.ts";
import type { Registry } from "../registry/registry.ts";
import { tagOf, type SessionKeys, type SessionOwner } from "../registry/session-key.ts";
import type { Agreement } from "./agreement.ts";
import type { Endings } from "./endings.ts";
import type { Generations } from "./generations.ts";
import { isEndedMeanwhile, type Evidence } from "./openings.ts";
import { mayReturn, type ProxySession } from "./proxy-session.ts";
import type { SessionCache } from "./session-cache.ts";
import type { Upkeep } from "./upkeep.ts";
import { isEnding, type SessionClocks } from "./session-clocks.ts";
import type { Deadline } from "./session-deadlines.ts";
import type { SessionManagerOptions } from "./session-manager-options.ts";
import { createSessionParts, type SessionParts } from "./session-parts.ts";
import type { TenantAccess } from "./tenant-access.ts";
import { absorbCookies, type TenantSession } from "./tenant-session.ts";
import { Vouching } from "./vouching.ts";

/** A session as an operator sees it. */
export interface SessionSummary {
  /** 64 hex digits. */
  readonly key: string;
  readonly subject: string;
  readonly createdAt: number;
  /** Last use that all nodes know of. */
  readonly lastUsedAt: number;
  /** When the host's word ends; null where it named no end. */
  readonly expiresAt: number | null;
  /** Logins of this session so far. */
  readonly generation: number;
}

/** Sessions that are ended at once. */
const endWidth = 16;

/** Keeps the proxy sessions of one tenant: one login each on all nodes, renewed unseen, ended for good. */
export class SessionManager {
  readonly tenant: TenantAccess;
  readonly generations: Generations;
  readonly upkeep: Upkeep;
  readonly registry: Registry;
  readonly #options: SessionManagerOptions;
  readonly #clock: Clock;
  readonly #parts: SessionParts;
  readonly #cache: SessionCache;
  readonly #agreement: Agreement;
  readonly #clocks: SessionClocks;
  readonly #endings: Endings;
  readonly #vouching: Vouching;
  readonly #opening = createSingleFlight<string, ProxySession>();
  #cancelShare = (): void => {};
  #closed = false;

  constructor(options: SessionManagerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    const parts = createSessionParts(options, {
      hear: (notice) => this.#hear(notice),
      meet: (session, what) => this.#meet(session, what),
      moveSockets: (session, reason) => this.#moveSockets(session, reason),
      isClosed: () => this.#closed,
    });
    this.#parts = parts;
    this.tenant = parts.tenant;
    this.generations = parts.generations;
    this.upkeep = parts.upkeep;
    this.registry = parts.registry;
    this.#cache = parts.cache;
    this.#agreement = parts.agreement;
    this.#clocks = parts.clocks;
    this.#endings = parts.endings;
    this.#vouching = new Vouching({
      ...parts,
      clock: this.#clock,
      shareEvery: this.#shareEvery,
      moveSockets: (session, reason) => this.#moveSockets(session, reason),
      inBackground: (task) => this.#inBackground(task),
    });
    if (parts.registry.outlives) this.#shareLater();
  }

  /** Number of sessions that this node has at hand. */
  get size(): number {
    return this.#cache.size;
  }

  /** Whether the tenant refuses or throttles every login at the moment. */
  get loginsHeldBack(): boolean {
    return this.#parts.queue.closed;
  }

  /** Whether the store answers. */
  get storeReachable(): boolean {
    return this.registry.naming.keys !== null && this.registry.documents.isSound;
  }

  /** The session of an identity that this node has at hand. */
  find(owner: SessionOwner): ProxySession | undefined {
    const key = this.registry.naming.keys?.keyOf(owner);
    return key === undefined ? undefined : this.#cache.get(key);
  }

  /** When the person's sessions were last ended for good, as far as this node knows; 0 where it knows of no end. */
  lastEnd(owner: SessionOwner): number {
    const key = this.registry.naming.keys?.keyOf(owner);
    return key === undefined ? 0 : this.registry.ends.lastEndOf(key);
  }

  /** The session of an identity on any node, without making or extending one. @throws SessionProxyError `QSP-STORE` */
  async look(owner: SessionOwner): Promise<ProxySession | undefined> {
    const keys = await this.registry.naming.open();
    const key = keys.keyOf(owner);
    const known = this.#cache.get(key);
    if (known && !this.#agreement.isSure(known)) await this.#agreement.check(known);
    if (known && !known.ended) return known;
    const found = await this.#parts.openings.find(key, keys);
    const present = this.#cache.get(key);
    if (present || !found || this.registry.naming.keys !== keys) return present;
    this.#add(found);
    return found;
  }

  /** When the session ends by itself if it is not used, in milliseconds since the epoch. */
  endsAt(session: ProxySession): { readonly idle: number; readonly expiry: number } {
    const { idleTimeout, maxLifetime } = this.#options.durations;
    return {
      idle: session.lastUsedAt + idleTimeout,
      expiry: Math.min(session.createdAt + maxLifetime, session.expiresAt ?? Number.POSITIVE_INFINITY),
    };
  }

  /** The session of an identity; a promise only where the store or a login is needed. @throws SessionProxyError */
  acquire(evidence: Evidence): ProxySession | Promise<ProxySession> {
    const { identity } = evidence;
    if (identity.expiresAt !== undefined && identity.expiresAt <= this.#clock.now()) {
      throw new SessionProxyError("QSP-UNAUTHENTICATED");
    }
    const { naming, ends } = this.registry;
    const { keys } = naming;
    if (keys === null) return this.registry.naming.open().then(() => this.acquire(evidence));
    const key = keys.keyOf(identity);
    // Asked for a living session too: a request that began before an end does not join the session made after it.
    if (!ends.admits(key, evidence.at)) throw new SessionProxyError("QSP-UNAUTHENTICATED");
    const session = this.#cache.get(key);
    if (session) return this.#confirmed(session, evidence);
    if (this.#closed) throw new SessionProxyError("QSP-BUSY", { retryAfter: 0 });
    const underway = this.#endings.underway(key);
    return underway ? underway.then(() => this.acquire(evidence)) : this.#open(key, keys, evidence);
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
      if (session.exchanges === 0) this.#clocks.schedule(session);
    };
  }

  /** To be called when a socket of the session was opened: its clocks count from now on. rules R3 */
  socketOpened(session: ProxySession): void {
    this.#clocks.schedule(session);
  }

  /** Takes the cookies of an answer into the generation that the request was made with. rules R5 */
  absorb(
    session: ProxySession,
    generation: TenantSession,
    answer: Parameters<typeof absorbCookies>[1],
  ): void {
    const { isDoubtful, isChanged } = absorbCookies(generation, answer, this.#clock.now());
    if (isDoubtful) this.suspect(session, generation);
    if (isChanged && this.registry.outlives && generation === session.current) {
      this.#parts.sharing.cookies(session);
    }
  }

  /** Looks in the background whether a generation is still alive, and renews it where it is not. rules R5 */
  suspect(session: ProxySession, generation: TenantSession): void {
    if (!session.ended) this.#inBackground(this.generations.afterAuthLoss(session, generation));
  }

  /**
   * Ends one session: here at once, then on every node. Resolves when the store has it; the tenant is told.
   *
   * @throws SessionProxyError `QSP-STORE`; it is then done here, and repeated until the store has it
   */
  async logout(owner: SessionOwner): Promise<void> {
    const at = this.#clock.now();
    await this.registry.naming.end((keys) =>
      this.#endings.endKey(keys.keyOf(owner), "logout", keys.hostSessionOf(owner) !== undefined, at),
    );
  }

  /** Ends the session of a key; whether there was one. A host session's id does not work again. @throws SessionProxyError `QSP-STORE` */
  async revokeKey(key: string): Promise<boolean> {
    await this.registry.naming.open();
    const known =
      this.#cache.get(key) ?? (await this.#listed(tagOf(key))).find((each) => each.key === key)?.live;
    if (known) await this.#endings.endKey(key, "revoked", known.hasHostSession);
    return Boolean(known);
  }

  /** Ends every session of a subject; no new one for `blockFor` milliseconds. @throws SessionProxyError `QSP-STORE` */
  async revoke(subject: string, blockFor: number): Promise<void> {
    const at = this.#clock.now();
    await this.registry.naming.end((keys) => this.#endings.endSubject(keys.tagOf(subject), blockFor, at));
  }

  /** Every session in the store, or those of a subject. @throws SessionProxyError `QSP-STORE` */
  async list(subject?: string): Promise<readonly SessionSummary[]> {
    const keys = await this.registry.naming.open();
    const tag = subject === undefined ? null : keys.tagOf(subject);
    return (await this.#listed(tag)).map(({ key, live }) => ({
      key,
      subject: live.subject,
      createdAt: live.createdAt,
      lastUsedAt: Math.max(live.usedAt, this.#cache.get(key)?.lastUsedAt ?? 0),
      expiresAt: live.expiresAt,
      generation: live.generation,
    }));
  }

  /**
   * Ends every session in the store, as far as it answers, and at the tenant; who had one may come back. Nobody is locked out,
   * so that what other nodes have under way may finish.
   */
  async endAll(): Promise<void> {
    const listed = await this.#listed(null).catch(() => []);
    for (let from = 0; from < listed.length; from += endWidth)
      await Promise.allSettled(
        listed.slice(from, from + endWidth).map(({ key }) => this.#endings.endKey(key, "lost", false)),
      );
    await this.#endings.allTold();
  }

  /** Sessions of this tenant: another one's in the same store have other names, and are not ours to look at or to end. */
  async #listed(tag: string | null): ReturnType<Registry["list"]> {
    const keys = await this.registry.naming.open();
    return (await this.registry.list(tag)).filter(({ key, live }) => keys.tagOf(live.subject) === tagOf(key));
  }

  /** A subject as it stands in log lines; null until the store has said how. */
  hashOf(subject: string): string | null {
    return this.registry.naming.keys?.hashOf(subject) ?? null;
  }

  /** Stops all timers. Sessions that nobody could go on with are ended at the tenant; the others stay in the store. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelShare();
    this.#parts.queue.close();
    this.#agreement.close();
    const sessions = this.#cache.all();
    if (this.registry.outlives) await this.#parts.sharing.use(sessions);
    await Promise.all(sessions.map((session) => this.#endings.end(session, "closed")));
    this.registry.close();
  }

  /** A session at hand, if it still runs as far as all nodes know. */
  #confirmed(session: ProxySession, evidence: Evidence): ProxySession | Promise<ProxySession> {
    const overdue = this.#clocks.overdue(session);
    if (overdue) return this.#endings.endByClock(session, overdue).then(() => this.acquire(evidence));
    const isFading = this.#parts.sharing.isFading(session);
    if (!isFading && this.#agreement.isSure(session)) {
      this.#vouching.take(session, evidence);
      return session;
    }
    const confirming = isFading ? this.#revived(session) : this.#agreement.check(session);
    return confirming.then(() => {
      if (session.ended) return this.acquire(evidence);
      this.#vouching.take(session, evidence);
      return session;
    });
  }

  /** Tells of the use before it is served: another node may be about to take the session for idle. rules R3 */
  async #revived(session: ProxySession): Promise<void> {
    const isLive = await this.#parts.sharing.revive(session).catch(() => true);
    if (!isLive) await this.#agreement.check(session);
    else if (!this.#agreement.isSure(session)) await this.#agreement.check(session);
  }

  async #open(key: string, keys: SessionKeys, evidence: Evidence): Promise<ProxySession> {
    const { ends } = this.registry;
    // Who comes after an end does not join what began before it.
    const flight = `${key}${ends.stampOf(key)}`;
    const isFirst = !this.#opening.has(flight);
    try {
      const session = await this.#opening.run(flight, async () => {
        const opened = await this.#parts.openings.open(key, keys, evidence);
        // Under a name that is not used any more nobody would find it, or its end.
        if (this.registry.naming.keys !== keys) throw new SessionProxyError("QSP-BUSY", { retryAfter: 0 });
        return this.#cache.get(key) ?? this.#add(opened);
      });
      if (this.#parts.sharing.isFading(session)) await this.#revived(session);
      if (session.ended && mayReturn(session.ended)) return this.acquire(evidence);
      this.#vouching.take(session, evidence);
      return session;
    } catch (error) {
      // Refused for the older word of the one who was first: a newer one is judged by itself.
      const isOlder = !isFirst && isEndedMeanwhile(error) && ends.admits(key, evidence.at);
      if (isOlder) return this.acquire(evidence);
      throw error;
    }
  }

  #add(session: ProxySession): ProxySession {
    this.#cache.add(session);
    this.#clocks.schedule(session);
    return session;
  }

  get #shareEvery(): number {
    return this.#options.durations.idleTimeout * useSharedPart;
  }

  #shareLater(): void {
    this.#cancelShare = this.#clock.setTimer(this.#shareEvery, () => {
      this.#inBackground(this.#parts.sharing.use(this.#cache.all()));
      this.#shareLater();
    });
  }

  /** Sockets have to pass admission again, those under way too. */
  #moveSockets(session: ProxySession, reason: string): void {
    session.socketEpoch += 1;
    this.#options.closeSockets(session, 4003, reason);
  }

  #meet(session: ProxySession, what: Deadline["what"]): void {
    const now = this.#clock.now();
    if (isEnding(what)) {
      this.#inBackground(this.#endings.endByClock(session, what));
    } else if (what === "revalidate") {
      const before = session.vouchedAt;
      session.vouchedAt = now;
      this.#inBackground(this.#revalidate(session, before));
    } else if (what === "keep-alive") {
      session.current.lastSentAt = now;
      this.#inBackground(this.generations.keepAlive(session));
    } else {
      session.renewalTriedAt = now;
      this.#inBackground(this.generations.renew(session, session.current, "lifetime"));
    }
  }

  /** A request on another node asked the host too; where none did, the sockets have to. rules R3 */
  async #revalidate(session: ProxySession, before: number): Promise<void> {
    const isVouched = await this.#agreement.isVouchedForSince(session, before).catch(() => false);
    if (session.ended) return;
    if (!isVouched) return this.#moveSockets(session, "QSP-REVALIDATE");
    session.vouchedAt = session.shared.vouchedAt;
    this.#clocks.schedule(session);
  }

  #hear(notice: Notice): void {
    if (notice.kind === "ended") {
      this.#parts.waiters.wakeTag(notice.tag);
      return this.#endings.heard(notice);
    }
    if (notice.kind === "index") return;
    const { key } = notice;
    if (notice.kind === "failed") {
      const { code, retryAfter } = notice;
      const error = new SessionProxyError(code, retryAfter === null ? {} : { retryAfter });
      return this.#parts.waiters.wake(key, error);
    }
    this.#parts.waiters.wake(key, null);
    const session = this.#cache.get(key);
    if (session && notice.version > session.version) this.#inBackground(this.#agreement.check(session));
  }

  /** For work that nobody waits for: its failure was told where it happened, and the next request meets the same state. */
  #inBackground(task: Promise<unknown>): void {
    task.catch(() => {});
  }
}
