import { SessionProxyError } from "../errors.ts";
import { publish, type ProxyEvent } from "../kernel/channels.ts";
import type { Clock } from "../kernel/clock.ts";
import { createSingleFlight } from "../kernel/single-flight.ts";
import { type Claims, sameClaims } from "../tenant/claims.ts";
import type { Logins } from "./logins.ts";
import { mayFinish, shownKey, type EndReason, type ProxySession } from "./proxy-session.ts";
import { decideRenewal } from "./renewal-policy.ts";
import { olderGenerations } from "./session-content.ts";
import { toKnown, type TenantAccess } from "./tenant-access.ts";
import type { TenantSession } from "./tenant-session.ts";

/** What the generations of all sessions share. */
export interface GenerationsOptions {
  readonly clock: Clock;
  readonly tenant: TenantAccess;
  readonly logins: Logins;
  /** Whether other nodes may still use a generation that this one does not. */
  readonly isShared: boolean;
  /** Whether sessions live on when this process ends. */
  readonly outlives: boolean;
  /** Milliseconds for one login. */
  readonly loginTimeout: number;
  /** Asks the store what became of a session. */
  readonly check: (session: ProxySession) => Promise<void>;
  /** A session has a new generation; its deadlines have moved. */
  readonly renewed: (session: ProxySession) => void;
  /** The tenant does not take the user any more. */
  readonly refused: (session: ProxySession) => Promise<void>;
}

/** Takes over what is known of the user elsewhere, where that is newer than what the session knows. rules R9 */
export function takeClaims(
  session: ProxySession,
  { at, value }: { readonly at: number; readonly value: Claims },
): void {
  if (at <= session.claimsAt) return;
  session.claims = value;
  session.claimsAt = at;
}

/** Why a renewal runs, and for how long nobody waits for it; aborted when somebody does, null from the start. */
interface Why {
  readonly cause: RenewalCause;
  readonly patience: AbortSignal | null;
}

/** Times of renewals that are remembered for the limit on them. */
const rememberedRenewals = 16;

/** Changed claims renew a session at most this often, on all nodes together. Milliseconds; rules R9 */
export const claimsPause = 30_000;

/** Waiting for the logins of other nodes ends after so many times the time for one. */
export const patience = 3;

/** And after so many turns, whatever the clock says: each is a look at the store. */
export const mostTurns = 1000;

/** The generation to go on with after an auth loss. */
export interface Successor {
  readonly generation: TenantSession;
  /**
   * Whether it was made for this loss. One that was there before, here or on another node, says nothing of itself: it may
   * be lost in its turn.
   */
  readonly isFresh: boolean;
}

/** Renews the tenant sessions of proxy sessions, and ends those that nothing uses any more. rules R5 */
export class Generations {
  readonly #options: GenerationsOptions;
  /** By the session itself: a session that ended does not answer for the next one under its key. */
  readonly #renewals = createSingleFlight<ProxySession, TenantSession>();
  /** Renewals that nobody waits for; aborted when somebody does. */
  readonly #patient = new WeakMap<ProxySession, AbortController>();

  constructor(options: GenerationsOptions) {
    this.#options = options;
  }

  /** Marks a generation as used until the returned function is called. */
  hold(session: ProxySession, generation: TenantSession): () => void {
    generation.users += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      generation.users -= 1;
      if (generation.users === 0 && session.older.has(generation)) this.#release(session, generation);
    };
  }

  /**
   * What to do after an auth loss on a generation: replay with another one; "own-word" where the session lives and the
   * answer is the endpoint's; "given-up" where a renewal would not help. rules R5
   */
  async afterAuthLoss(
    session: ProxySession,
    generation: TenantSession,
  ): Promise<Successor | "own-word" | "given-up"> {
    const { tenant, clock } = this.#options;
    if (session.ended) throw endedError(session.ended);
    if (generation !== session.current) return { generation: session.current, isFresh: false };
    if (await tenant.isAlive(session.key, generation)) return "own-word";
    if (generation !== session.current) return { generation: session.current, isFresh: false };
    if (decideRenewal(session, clock.now()) === "pass") return "given-up";
    const renewed = await this.renew(session, generation, "auth-loss");
    return { generation: renewed, isFresh: renewed.isOwn };
  }

  /** Makes a new generation in the place of `from`, once however many ask; `cause` is for the log. */
  renew(session: ProxySession, from: TenantSession, cause: RenewalCause): Promise<TenantSession> {
    const isBackground = cause === "lifetime" || cause === "keep-alive";
    // Somebody waits now for what began in the background: it goes on among the users' logins.
    if (!isBackground) this.#patient.get(session)?.abort();
    return this.#renewals.run(session, async () => {
      session.renewalTriedAt = this.#options.clock.now();
      const patient = isBackground ? new AbortController() : null;
      if (patient) this.#patient.set(session, patient);
      try {
        return await this.#renewInTurns(session, from, { cause, patience: patient?.signal ?? null });
      } finally {
        this.#patient.delete(session);
      }
    });
  }

  /** Takes over a generation that another node made, or this one; the one before stays while it is used. */
  take(session: ProxySession, fresh: TenantSession): void {
    const from = session.current;
    session.current = fresh;
    session.renewedAt = [...session.renewedAt, fresh.createdAt].slice(-rememberedRenewals);
    this.#retire(session, from);
    this.#options.renewed(session);
  }

  /**
   * Makes the tenant know what the host says; a renewal under way may have been made with what it said before.
   *
   * Resolves with whether a group was taken away. rules R9
   */
  async renewClaims(session: ProxySession): Promise<{ readonly lostGroup: boolean }> {
    const before = session.current;
    for (let turn = 0; turn < 2 && !sameClaims(session.claims, session.current.claims); turn += 1) {
      await this.renew(session, session.current, turn === 0 ? "claims" : "claims-again");
    }
    return { lostGroup: losesGroup(before, session.current) };
  }

  /** Keeps the tenant's session from running idle while ours is used. rules R3 */
  async keepAlive(session: ProxySession): Promise<void> {
    const generation = session.current;
    const alive = await this.#options.tenant.isAlive(session.key, generation);
    if (!alive && !session.ended) await this.renew(session, generation, "keep-alive");
  }

  /**
   * Ends every generation of a session that ended, except for what is under way and may finish. rules R3
   */
  async endAll(session: ProxySession): Promise<void> {
    const isKept = session.ended !== null && mayFinish(session.ended);
    if (isKept) session.older.add(session.current);
    const ending = new Set([session.current, ...session.older]);
    for (const generation of ending) if (isKept && generation.users > 0) ending.delete(generation);
    for (const generation of ending) session.older.delete(generation);
    await Promise.all([...ending].map((each) => this.#options.tenant.end(session.key, each)));
  }

  async #renewInTurns(session: ProxySession, from: TenantSession, why: Why): Promise<TenantSession> {
    const { clock, loginTimeout } = this.#options;
    const deadline = clock.now() + patience * loginTimeout;
    for (let turn = 0; turn < mostTurns && clock.now() < deadline; turn += 1) {
      if (session.ended) throw endedError(session.ended);
      if (session.current !== from) return session.current;
      const isLifted = why.patience?.aborted ?? false;
      if (await this.#renewOnce(session, from, isLifted ? { ...why, patience: null } : why)) {
        return session.current;
      }
      // Another node was faster, or ended the session: the store knows.
      if (!why.patience?.aborted) await this.#options.check(session);
    }
    if (session.ended) throw endedError(session.ended);
    throw new SessionProxyError("QSP-TIMEOUT", { reason: "other nodes' logins did not come to an end" });
  }

  /** Whether the session has a generation that this renewal, or a faster one, made. */
  async #renewOnce(session: ProxySession, from: TenantSession, { cause, patience }: Why): Promise<boolean> {
    const { key, subject, subjectHash, hasHostSession, openedAt, createdAt, birth, epochs } = session;
    try {
      const result = await this.#options.logins.run({
        key,
        subjectHash,
        epochs,
        from: { birth, generation: from.generation },
        claims: { at: session.claimsAt, value: session.claims },
        patience,
        claimsPause: cause === "claims" ? claimsPause : null,
        before: [from, ...[...session.older].reverse()],
        live: {
          subject,
          hasHostSession,
          openedAt,
          createdAt,
          usedAt: session.lastUsedAt,
          vouchedAt: session.vouchedAt,
          expiresAt: session.expiresAt ?? null,
        },
      });
      if (result.kind === "later") return true;
      if (result.kind !== "committed") return false;
      if (session.ended) {
        // What this process only is done with stays for the others, and for the next one.
        const goesOn = session.ended === "closed" && this.#options.outlives;
        if (!goesOn) await this.#options.tenant.end(key, result.session);
        throw endedError(session.ended);
      }
      session.version = result.version;
      takeClaims(session, result.claims);
      this.take(session, result.session);
      this.#tell(session, { event: "session.renewed", outcome: "ok", reason: cause });
      return true;
    } catch (error) {
      if (patience?.aborted) return false;
      const { code } = toKnown(error);
      this.#tell(session, {
        event: "session.renewalFailed",
        level: "warn",
        code,
        outcome: code,
        reason: cause,
      });
      // A definite refusal of the user ends the session; doubt keeps it.
      if (error instanceof SessionProxyError && error.code === "QSP-USER-REFUSED") {
        await this.#options.refused(session);
      }
      throw error;
    }
  }

  /** The oldest give way in any case. */
  #retire(session: ProxySession, generation: TenantSession): void {
    session.older.add(generation);
    if (generation.users === 0) this.#release(session, generation);
    for (const oldest of session.older) {
      if (session.older.size <= olderGenerations) break;
      this.#finish(session, oldest);
    }
  }

  /** Nothing here uses it any more; where other nodes may, it is ended with the session, or by its successors. */
  #release(session: ProxySession, generation: TenantSession): void {
    if (!this.#options.isShared || session.ended) this.#finish(session, generation);
  }

  /** `end` never rejects: a tenant that cannot be told forgets the session by its own limits. */
  #finish(session: ProxySession, generation: TenantSession): void {
    session.older.delete(generation);
    void this.#options.tenant.end(session.key, generation);
  }

  #tell(session: ProxySession, what: ProxyEvent): void {
    const { origin } = this.#options.tenant;
    const { subjectHash } = session;
    publish("session", () => ({ session: shownKey(session), subjectHash, tenant: origin, ...what }));
  }
}

/** Why a tenant session is renewed, as the log says it. */
export type RenewalCause = "auth-loss" | "lifetime" | "claims" | "claims-again" | "keep-alive";

/** Whether the user has lost a group between two generations. rules R9 */
export function losesGroup(before: TenantSession, after: TenantSession): boolean {
  return (before.claims.groups ?? []).some((group) => !after.claims.groups?.includes(group));
}

/** What a request learns of the end of its session: who may come back is told to, at once. */
function endedError(reason: EndReason): SessionProxyError {
  return mayFinish(reason)
    ? new SessionProxyError("QSP-BUSY", { retryAfter: 0 })
    : new SessionProxyError("QSP-UNAUTHENTICATED");
}
