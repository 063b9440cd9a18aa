import { publish } from "../kernel/channels.ts";
import type { Clock } from "../kernel/clock.ts";
import { createSingleFlight } from "../kernel/single-flight.ts";
import type { Notice } from "../registry/bus.ts";
import type { EndedSession } from "../registry/ends.ts";
import type { Registry } from "../registry/registry.ts";
import { inLocalTime } from "../registry/view.ts";
import { tagOf } from "../registry/session-key.ts";
import type { Live } from "../registry/subject-record.ts";
import { endQuietly, type QuietEnd } from "../registry/transitions.ts";
import type { Agreement } from "./agreement.ts";
import type { Generations } from "./generations.ts";
import { mayFinish, toEndReason, shownKey, type EndReason, type ProxySession } from "./proxy-session.ts";
import type { SessionCache } from "./session-cache.ts";
import type { EndingClock, SessionClocks } from "./session-clocks.ts";
import type { SessionDurations } from "./session-deadlines.ts";
import type { ToldEnds } from "./told-ends.ts";

/** What the ends of sessions need. */
export interface EndingsOptions {
  readonly clock: Clock;
  readonly tenantOrigin: string;
  readonly durations: SessionDurations;
  readonly registry: Registry;
  readonly cache: SessionCache;
  readonly clocks: SessionClocks;
  readonly generations: Generations;
  readonly agreement: Agreement;
  readonly toldEnds: ToldEnds;
  readonly closeSockets: (session: ProxySession, code: 4003 | 4203, reason: string) => void;
  readonly released: (key: string) => void;
}

/** A log-out waits so long for the tenant's word; the tenant never holds it up. Milliseconds. */
const tenantPatience = 1000;

/** The end by a clock speaks against nobody. */
const noEnds = { epoch: 0, endedAt: 0, blockedUntil: 0, keys: {} } as const;

/** Ends sessions: here at once, in the store, on the other nodes, and at the tenant. */
export class Endings {
  readonly #options: EndingsOptions;
  readonly #endings = createSingleFlight<ProxySession, void>();
  /** Ends by key that the store does not know yet. */
  readonly #underway = new Map<string, Promise<void>>();

  constructor(options: EndingsOptions) {
    this.#options = options;
  }

  /** Ends the session of a key for good. @throws SessionProxyError `QSP-STORE`; it is repeated until the store has it */
  async endKey(key: string, reason: EndReason, barred: boolean, at?: number): Promise<void> {
    const { registry, cache } = this.#options;
    const session = cache.get(key);
    const stored = registry.endKey(key, reason, barred, at);
    await this.#both(stored, session ? [this.end(session, reason)] : []);
  }

  /** Ends every session of a subject for good. @throws SessionProxyError `QSP-STORE`; it is repeated until the store has it */
  async endSubject(tag: string, blockFor: number, at?: number): Promise<void> {
    const { registry, cache } = this.#options;
    const stored = registry.endSubject(tag, "revoked", blockFor, at);
    await this.#both(
      stored,
      cache.ofTag(tag).map((session) => this.end(session, "revoked")),
    );
  }

  /** Ends a session by one of its clocks; another node may know that it was used meanwhile. rules R3 */
  endByClock(session: ProxySession, clock: EndingClock): Promise<void> {
    const { idleTimeout } = this.#options.durations;
    return this.#endInStore(session, clock, (live, now) => {
      if (clock === "idle") return live.usedAt + idleTimeout > now;
      // A longer word counts only if it is a newer one.
      const isNewer = live.vouchedAt > session.vouchedAt;
      return clock === "expired" && isNewer && (live.expiresAt === null || live.expiresAt > now);
    });
  }

  /** Ends a session that the tenant does not take any more. */
  endRefused(session: ProxySession): Promise<void> {
    return this.#endInStore(session, "refused", () => false);
  }

  /** Ends a session here: what it has under way, and what the tenant keeps for it; resolves when the tenant was told. */
  async end(session: ProxySession, reason: EndReason, tenantIsTold = false): Promise<void> {
    const { cache, clocks, generations, toldEnds, closeSockets, released, registry } = this.#options;
    if (session.ended) return;
    session.ended = reason;
    cache.remove(session);
    clocks.cancel(session);
    const mayReturn = mayFinish(reason) || reason === "closed";
    closeSockets(session, mayReturn ? 4003 : 4203, `QSP-${reason.toUpperCase()}`);
    for (const listener of session.onEnd) listener(reason);
    session.onEnd.clear();
    this.#tell(session, reason);
    const goesOn = reason === "closed" && registry.outlives;
    if (!goesOn && !tenantIsTold) {
      toldEnds.note(
        session.birth,
        [session.current, ...session.older].map(({ generation }) => generation),
      );
      await generations.endAll(session);
    }
    if (!cache.get(session.key)) released(session.key);
  }

  /** Sessions that this node took out of the store: the tenant has to be told, also of what only others used. */
  takenOut(sessions: readonly EndedSession[]): void {
    for (const { key, reason, live } of sessions) {
      const session = this.#cached(key, live.birth);
      if (session) void this.end(session, toEndReason(reason));
      void this.#options.toldEnds.tell(key, live);
    }
  }

  /** Resolves when the tenant was told of every end so far that others than this node's requests found. */
  allTold(): Promise<void> {
    return this.#options.toldEnds.idle();
  }

  /** Another node says that it took sessions out; others of the same ends are looked up. */
  heard({ tag, sessions, reason, ends }: Extract<Notice, { kind: "ended" }>): void {
    const { cache, agreement } = this.#options;
    for (const { key, birth } of sessions) {
      const session = this.#cached(key, birth);
      if (session) void this.end(session, toEndReason(reason), true);
    }
    const doubtful = cache.ofTag(tag).filter(({ key }) => ends.epoch > 0 || Object.hasOwn(ends.keys, key));
    for (const session of doubtful) agreement.distrust(session);
  }

  #cached(key: string, birth: string): ProxySession | undefined {
    const session = this.#options.cache.get(key);
    return session?.birth === birth ? session : undefined;
  }

  /** Waits until the store knows of an end that is known here: nobody must find the session there. */
  underway(key: string): Promise<void> | undefined {
    return this.#underway.get(key);
  }

  /** Where other nodes may know better, the store is asked first. */
  #endInStore(
    session: ProxySession,
    reason: EndReason,
    isRefuted: (live: Live, now: number) => boolean,
  ): Promise<void> {
    const { registry, agreement, clocks } = this.#options;
    const mayBeRefuted = registry.isShared && (reason === "idle" || reason === "expired");
    if (!mayBeRefuted) return this.#endAndTell(session, reason);
    return this.#endings.run(session, async () => {
      if (session.ended) return;
      const outcome = await this.#takeOut(session, reason, isRefuted);
      if (outcome.kind === "refuted") {
        await agreement.check(session);
        clocks.schedule(session);
        return;
      }
      // Where the store cannot say, others may still use what the tenant keeps.
      const told = this.end(session, reason, outcome.kind === "unknown");
      if (outcome.kind === "ended") this.#tellRest(session.key, outcome.live);
      await this.#atMost(told);
    });
  }

  async #endAndTell(session: ProxySession, reason: EndReason): Promise<void> {
    const { key } = session;
    const told = this.end(session, reason);
    const taking = this.#takeOut(session, reason, () => false).then((outcome) => {
      if (outcome.kind === "ended") this.#tellRest(key, outcome.live);
      if (this.#underway.get(key) === taking) this.#underway.delete(key);
    });
    this.#underway.set(key, taking);
    await Promise.all([taking, this.#atMost(told)]);
  }

  /** Takes a session out of the store. A store that is down does not keep alive what is over here. */
  async #takeOut(
    { key, birth }: ProxySession,
    reason: EndReason,
    isRefuted: (live: Live, now: number) => boolean,
  ): Promise<QuietEnd | { readonly kind: "unknown" }> {
    const { registry } = this.#options;
    try {
      const outcome = await registry.change(key, (record, now, offset) =>
        endQuietly(record, now, {
          key,
          birth,
          reason,
          isRefuted: (live) => isRefuted(inLocalTime(live, offset), now + offset),
        }),
      );
      if (outcome.kind === "ended" && outcome.live) {
        registry.tell({ kind: "ended", tag: tagOf(key), sessions: [{ key, birth }], reason, ends: noEnds });
      }
      return outcome;
    } catch {
      // Told where it was noticed; the session is overdue for every node, and whoever reads it next takes it out.
      return { kind: "unknown" };
    }
  }

  /** What this node does not know of the session, and the tenant should. */
  #tellRest(key: string, live: Live | null): void {
    if (live) void this.#options.toldEnds.tell(key, live);
  }

  async #both(stored: Promise<void>, told: readonly Promise<void>[]): Promise<void> {
    const [outcome] = await Promise.allSettled([stored, this.#atMost(Promise.all(told))]);
    if (outcome.status === "rejected") throw outcome.reason;
  }

  async #atMost(told: Promise<unknown>): Promise<void> {
    let cancel = (): void => {};
    const enough = new Promise<void>((resolve) => {
      cancel = this.#options.clock.setTimer(tenantPatience, resolve);
    });
    await Promise.race([told, enough]);
    cancel();
  }

  #tell(session: ProxySession, reason: EndReason): void {
    publish("session", () => ({
      event: "session.ended",
      session: shownKey(session),
      subjectHash: session.subjectHash,
      tenant: this.#options.tenantOrigin,
      reason,
    }));
  }
}
