import { SessionProxyError } from "../errors.ts";
import { publish } from "../kernel/channels.ts";
import type { Clock } from "../kernel/clock.ts";
import { createSingleFlight } from "../kernel/single-flight.ts";
import { sameClaims } from "../tenant/claims.ts";
import type { Ends } from "./ends.ts";
import { shownKey, type ProxySession } from "./proxy-session.ts";
import { decideRenewal } from "./renewal-policy.ts";
import type { TenantAccess } from "./tenant-access.ts";
import type { TenantSession } from "./tenant-session.ts";

/** What the generations of all sessions share. */
export interface GenerationsOptions {
  readonly clock: Clock;
  readonly tenant: TenantAccess;
  readonly ends: Ends;
  /** A session has a new generation; its deadlines have moved. */
  readonly renewed: (session: ProxySession) => void;
  /** The tenant does not take the user any more. */
  readonly refused: (session: ProxySession) => Promise<void>;
}

/** Generations kept beside the current one. rules R5 */
const olderGenerations = 2;

/** Times of renewals that are remembered for the limit on them. */
const rememberedRenewals = 8;

/** Renews the tenant sessions of proxy sessions, and ends those that nothing uses any more. rules R5 */
export class Generations {
  readonly #options: GenerationsOptions;
  /** By the session itself: a session that ended does not answer for the next one under its key. */
  readonly #renewals = createSingleFlight<ProxySession, TenantSession>();

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
      if (generation.users === 0 && session.older.has(generation)) this.#finish(session, generation);
    };
  }

  /**
   * What to do after an auth loss on a generation: the generation to replay with; "own-word" where the session lives and
   * the answer is the endpoint's; "given-up" where a renewal would not help. rules R5
   */
  async afterAuthLoss(
    session: ProxySession,
    generation: TenantSession,
  ): Promise<TenantSession | "own-word" | "given-up"> {
    const { tenant, clock } = this.#options;
    if (session.ended) throw new SessionProxyError("QSP-UNAUTHENTICATED");
    if (generation !== session.current) return session.current;
    if (await tenant.isAlive(session.key, generation)) return "own-word";
    if (generation !== session.current) return session.current;
    if (decideRenewal(session, clock.now()) === "pass") return "given-up";
    return this.renew(session, generation, "auth-loss");
  }

  /** Makes a new generation in the place of `from`, once however many ask; `cause` is for the log. */
  renew(session: ProxySession, from: TenantSession, cause: string): Promise<TenantSession> {
    const { clock, tenant, ends, renewed } = this.#options;
    return this.#renewals.run(session, async () => {
      if (session.ended) throw new SessionProxyError("QSP-UNAUTHENTICATED");
      if (session.current !== from) return session.current;
      const epoch = ends.epoch(session.key, session.subject);
      session.renewalTriedAt = clock.now();
      const fresh = await this.#login(session, cause);
      if (session.ended || ends.epoch(session.key, session.subject) !== epoch) {
        await tenant.end(session.key, fresh);
        throw new SessionProxyError("QSP-UNAUTHENTICATED");
      }
      session.current = fresh;
      session.renewedAt = [...session.renewedAt, clock.now()].slice(-rememberedRenewals);
      this.#retire(session, from);
      renewed(session);
      tell("session.renewed", session, cause);
      return fresh;
    });
  }

  /**
   * Makes the tenant know what the host says; a renewal under way may have been made with what it said before.
   *
   * Resolves with whether a group was taken away. rules R9
   */
  async renewClaims(session: ProxySession): Promise<{ readonly lostGroup: boolean }> {
    const before = session.current.claims.groups ?? [];
    for (let turn = 0; turn < 2 && !sameClaims(session.claims, session.current.claims); turn += 1) {
      await this.renew(session, session.current, "claims");
    }
    return { lostGroup: before.some((group) => !session.current.claims.groups?.includes(group)) };
  }

  /** Keeps the tenant's session from running idle while ours is used. rules R3 */
  async keepAlive(session: ProxySession): Promise<void> {
    const generation = session.current;
    const alive = await this.#options.tenant.isAlive(session.key, generation);
    if (!alive && !session.ended) await this.renew(session, generation, "keep-alive");
  }

  /**
   * Ends every generation of a session that ended. At the longest life of a session what is under way may finish: the
   * user is still vouched for. rules R3
   */
  async endAll(session: ProxySession): Promise<void> {
    const mayFinish = session.ended === "lifetime";
    if (mayFinish) session.older.add(session.current);
    const ending = new Set([session.current, ...session.older]);
    for (const generation of ending) if (mayFinish && generation.users > 0) ending.delete(generation);
    for (const generation of ending) session.older.delete(generation);
    await Promise.all([...ending].map((each) => this.#options.tenant.end(session.key, each)));
  }

  async #login(session: ProxySession, cause: string): Promise<TenantSession> {
    try {
      return await this.#options.tenant.login(session, session.claims, session.current.generation + 1);
    } catch (error) {
      tell("session.renewalFailed", session, cause);
      // A definite refusal of the user ends the session; doubt keeps it.
      if (error instanceof SessionProxyError && error.code === "QSP-USER-REFUSED") {
        await this.#options.refused(session);
      }
      throw error;
    }
  }

  /** A generation that nothing uses any more is ended at the tenant; the oldest give way in any case. */
  #retire(session: ProxySession, generation: TenantSession): void {
    if (generation.users === 0) this.#finish(session, generation);
    else session.older.add(generation);
    for (const oldest of session.older) {
      if (session.older.size <= olderGenerations) break;
      this.#finish(session, oldest);
    }
  }

  /** `end` never rejects: a tenant that cannot be told forgets the session by its own limits. */
  #finish(session: ProxySession, generation: TenantSession): void {
    session.older.delete(generation);
    void this.#options.tenant.end(session.key, generation);
  }
}

const tell = (event: string, session: ProxySession, reason: string): void => {
  publish("session", () => ({
    event,
    session: shownKey(session),
    subjectHash: session.subjectHash,
    reason,
  }));
};
