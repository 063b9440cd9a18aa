import type { Claims } from "../tenant/claims.ts";
import type { Clock } from "../kernel/clock.ts";
import { createSingleFlight } from "../kernel/single-flight.ts";
import type { Registry } from "../registry/registry.ts";
import type { View } from "../registry/view.ts";
import type { Live } from "../registry/subject-record.ts";
import { restore } from "../registry/transitions.ts";
import { losesGroup, type Generations, takeClaims } from "./generations.ts";
import { toEndReason, type EndReason, type ProxySession } from "./proxy-session.ts";
import {
  formatContent,
  mergeStored,
  parseContent,
  toTenantSession,
  type JarPlace,
} from "./session-content.ts";
import type { SessionCache } from "./session-cache.ts";

/** What the agreement with the other nodes needs. */
export interface AgreementOptions {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly cache: SessionCache;
  readonly generations: Generations;
  readonly place: JarPlace;
  /** How long known sessions are served while the store is down. Milliseconds. */
  readonly storeGrace: number;
  readonly hasSockets: (session: ProxySession) => boolean;
  /** The session ended elsewhere; whether the tenant has been told there. */
  readonly ended: (session: ProxySession, reason: EndReason, tenantIsTold: boolean) => void;
  /** Its clocks have moved. */
  readonly moved: (session: ProxySession) => void;
  /** The store has been away for longer than sessions are served without it: sockets have to pass admission again. */
  readonly unsure: (session: ProxySession) => void;
  /** Older sockets have to pass admission again. rules R9 */
  readonly lostGroup: (session: ProxySession) => void;
}

/** While notices may be missing, what the store said holds for so long. Milliseconds; rules R1 */
const doubtfulFor = 1000;

/**
 * What the store said holds for so long in any case: the bound for a notice that was lost without a trace. A session in
 * use is looked up in the background at half of it, so that a busy one never waits. Milliseconds.
 */
const sureFor = 15_000;

/** How often sessions with open sockets or answers under way are looked after; a second is what an end may take. Milliseconds. rules R1 */
const sweepEvery = 1000;

/** Sessions looked up at once in a sweep. */
const sweepWidth = 32;

/** So long before its loss the store may have been silent already. Milliseconds: a call's and the bus's patience. */
const deafFor = 3000;

/** Looks at a session one after the other, while more is said of it; the next request looks again. */
const mostTurns = 5;

/** Keeps this node's sessions in agreement with the store, without asking it for every request. */
export class Agreement {
  readonly #options: AgreementOptions;
  readonly #checks = createSingleFlight<ProxySession, void>();
  #cancelSweep = (): void => {};
  #isSweeping = false;
  #isSweepDue = false;
  /** Whether the store has been away for too long. */
  #isGraceOver = false;
  #cancelGrace = (): void => {};

  constructor(options: AgreementOptions) {
    this.#options = options;
    if (options.registry.isShared) this.#sweepLater();
  }

  /** Whether the session may be served without asking the store. */
  isSure(session: ProxySession): boolean {
    const { registry, clock } = this.#options;
    if (!registry.isShared) return true;
    const age = clock.now() - session.checkedAt;
    // A clock that was set back says nothing about age.
    if (age < 0) return false;
    if (!this.#isBelieved(session)) return age <= doubtfulFor;
    if (age > sureFor / 2) this.#inBackground(this.check(session));
    return age <= sureFor;
  }

  /**
   * Asks the store what became of a session: it may have been ended, renewed or used elsewhere. While the store is down,
   * known sessions are served for a while.
   *
   * @throws SessionProxyError `QSP-STORE`
   */
  check(session: ProxySession): Promise<void> {
    return this.#checks.run(session, async () => {
      for (let turn = 0; turn < mostTurns && !session.ended; turn += 1) {
        const { doubts } = session;
        await this.#checkOnce(session);
        // What was said of it while the answer was under way may be newer than the answer.
        if (session.doubts === doubts) return;
      }
    });
  }

  /** The bus lost something, or was cut: nothing was missing from `soundSince` to `soundUntil`, but since. */
  doubt(soundSince: number, soundUntil: number): void {
    for (const session of this.#options.cache.all()) {
      if (session.checkedAt >= soundSince) session.sureUntil = soundUntil;
    }
  }

  /** The store stopped answering, or answers again. A timer runs on where the clock is set back. */
  storeChanged(isReachable: boolean): void {
    const { clock, storeGrace } = this.#options;
    this.#cancelGrace();
    this.#isGraceOver = false;
    if (isReachable) this.#inBackground(this.sweepAll());
    else this.#cancelGrace = clock.setTimer(storeGrace, () => (this.#isGraceOver = true));
  }

  /** Something was said of a session's subject: it is served again when the store has confirmed it. */
  distrust(session: ProxySession): void {
    session.doubts += 1;
    session.checkedAt = 0;
    session.sureUntil = 0;
    // Nor is it served blindly, should the store be down by now.
    session.blindSince = 0;
    this.#inBackground(this.check(session));
  }

  /** Looks after every session: the store, or the bus, is back. */
  async sweepAll(): Promise<void> {
    // One that is under way may have begun when the store was not back yet.
    this.#isSweepDue = true;
    if (this.#isSweeping) return;
    this.#isSweepDue = false;
    await this.#sweep(this.#options.cache.all());
  }

  /** Whether another node has heard the host vouch for the user since `at`. @throws SessionProxyError `QSP-STORE` */
  async isVouchedForSince(session: ProxySession, at: number): Promise<boolean> {
    if (!this.#options.registry.isShared) return false;
    await this.check(session);
    return session.shared.vouchedAt > at;
  }

  close(): void {
    this.#cancelSweep();
    this.#cancelGrace();
  }

  async #checkOnce(session: ProxySession): Promise<void> {
    const { registry, clock } = this.#options;
    if (registry.documents.downSince !== null && this.#mayServeBlind(session)) return;
    const askedAt = clock.now();
    let view: View;
    try {
      view = await registry.read(session.key);
    } catch (error) {
      if (this.#mayServeBlind(session)) return;
      throw error;
    }
    session.blindSince = null;
    await this.#agree(session, view, askedAt);
  }

  /** Whether no notice on it can be missing. */
  #isBelieved(session: ProxySession): boolean {
    const { soundSince } = this.#options.registry.bus;
    return soundSince !== null && session.checkedAt >= soundSince;
  }

  /** Counted from the store's failure, not from the request that met it: a session is not known better for being idle. */
  #mayServeBlind(session: ProxySession): boolean {
    const { registry, clock, storeGrace } = this.#options;
    const now = clock.now();
    session.blindSince = Math.min(session.blindSince ?? now, registry.documents.downSince ?? now);
    return !this.#isGraceOver && now - session.blindSince <= storeGrace;
  }

  async #agree(session: ProxySession, view: View, askedAt: number): Promise<void> {
    const { ended } = this.#options;
    if (session.ended) return;
    if (view.live?.birth === session.birth) {
      if (view.live.generation < session.current.generation) return this.#restore(session, view);
      session.checkedAt = askedAt;
      session.epochs = view.epochs;
      this.#adopt(session, view, view.live);
      return;
    }
    const isEnded = view.epochs.key > session.epochs.key || view.epochs.subject > session.epochs.subject;
    if (isEnded) return ended(session, view.live ? "lost" : toEndReason(view.reason), true);
    if (view.live === null && this.#wasSureLately(session)) return this.#restore(session, view);
    ended(session, "lost", false);
  }

  /**
   * A store that lost a session is given it back by a node that was sure of it until shortly before: every end until then
   * was heard here, and a later one is known to the node that made it.
   */
  #wasSureLately(session: ProxySession): boolean {
    if (this.#isBelieved(session)) return true;
    const { clock, storeGrace, registry } = this.#options;
    const now = clock.now();
    const until = Math.max(session.checkedAt, session.sureUntil);
    // Deaf for longer than that before the store was lost, a node may have missed an end.
    const { lostAt } = registry.documents;
    const wasLost = lostAt !== null && lostAt > until - deafFor;
    const deafUntil = wasLost ? lostAt : (registry.bus.soundSince ?? now);
    return until >= deafUntil - deafFor && now - until <= storeGrace + sureFor;
  }

  async #restore(session: ProxySession, { epochs }: View): Promise<void> {
    const { registry, clock, ended } = this.#options;
    const { key, birth, current, subject, hasHostSession } = session;
    const askedAt = clock.now();
    const outcome = await registry.change(key, (record, now, offset) => {
      const live: Live = {
        birth,
        token: birth,
        generation: current.generation,
        subject,
        hasHostSession,
        openedAt: session.openedAt - offset,
        createdAt: session.createdAt - offset,
        usedAt: session.lastUsedAt - offset,
        vouchedAt: session.vouchedAt - offset,
        expiresAt: session.expiresAt === undefined ? null : session.expiresAt - offset,
        content: this.#contentOf(session, offset),
      };
      return restore(record, now, { key, live, epochs: session.epochs });
    });
    if (outcome === "ended") return ended(session, "lost", false);
    session.checkedAt = askedAt;
    session.epochs = {
      key: Math.max(epochs.key, session.epochs.key),
      subject: Math.max(epochs.subject, session.epochs.subject),
    };
  }

  /** Takes over what the others know: newer cookies, another generation, later use. */
  #adopt(session: ProxySession, view: View, live: Live): void {
    const { generations, clock, place, moved, lostGroup } = this.#options;
    if (live.vouchedAt > session.vouchedAt) {
      session.vouchedAt = live.vouchedAt;
      session.expiresAt = live.expiresAt ?? undefined;
    }
    session.lastUsedAt = Math.max(session.lastUsedAt, live.usedAt);
    session.shared = {
      usedAt: live.usedAt,
      vouchedAt: live.vouchedAt,
      expiresAt: live.expiresAt ?? undefined,
    };
    if (view.claims) takeClaims(session, { at: view.claims.at, value: view.claims.value as Claims });
    if (view.version > session.version) {
      session.version = view.version;
      const content = parseContent(live.content, place.backend.kind);
      const before = session.current;
      for (const stored of [...(content?.generations ?? [])].reverse()) {
        const known = knownGeneration(session, stored.generation);
        if (known) mergeStored(known, stored, place);
        else if (stored.generation > session.current.generation) {
          generations.take(
            session,
            toTenantSession(stored, place, { now: clock.now(), offset: view.offset }),
          );
        }
      }
      if (session.current !== before && losesGroup(before, session.current)) lostGroup(session);
    }
    moved(session);
  }

  #contentOf(session: ProxySession, offset: number): unknown {
    return formatContent([session.current, ...[...session.older].reverse()], offset);
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#options.clock.setTimer(sweepEvery, () => {
      const { cache, hasSockets } = this.#options;
      const isWatched = (session: ProxySession): boolean => hasSockets(session) || session.onEnd.size > 0;
      const due = cache.all().filter((session) => isWatched(session) && !this.isSure(session));
      this.#inBackground(this.#sweep(due));
      this.#sweepLater();
    });
  }

  async #sweep(sessions: readonly ProxySession[]): Promise<void> {
    const { unsure } = this.#options;
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    try {
      for (let from = 0; from < sessions.length; from += sweepWidth) {
        const width = sessions.slice(from, from + sweepWidth);
        await Promise.all(width.map((session) => this.check(session).catch(() => unsure(session))));
      }
    } finally {
      this.#isSweeping = false;
    }
    if (this.#isSweepDue) await this.sweepAll();
  }

  #inBackground(task: Promise<unknown>): void {
    task.catch(() => {});
  }
}

const knownGeneration = (session: ProxySession, generation: number) =>
  [session.current, ...session.older].find((each) => each.generation === generation);
