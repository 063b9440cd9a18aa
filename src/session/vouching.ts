import type { Clock } from "../kernel/clock.ts";
import type { Registry } from "../registry/registry.ts";
import { sameClaims, toClaims, type Claims } from "../tenant/claims.ts";
import { claimsPause, type Generations } from "./generations.ts";
import type { Evidence } from "./openings.ts";
import type { ProxySession } from "./proxy-session.ts";
import type { SessionClocks } from "./session-clocks.ts";
import type { Sharing } from "./sharing.ts";

/** What taking the host's word needs. */
export interface VouchingOptions {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly generations: Generations;
  readonly clocks: SessionClocks;
  readonly sharing: Sharing;
  /** How often the use of sessions is shared with other nodes. Milliseconds */
  readonly shareEvery: number;
  /** Sockets have to pass admission again. */
  readonly moveSockets: (session: ProxySession, reason: string) => void;
  /** For work that nobody waits for. */
  readonly inBackground: (task: Promise<unknown>) => void;
}

/** Takes the word of the host for a session that goes on: until when, and with which rights. rules R9 */
export class Vouching {
  readonly #options: VouchingOptions;
  readonly #claims = new WeakMap<Evidence["identity"], Claims>();

  constructor(options: VouchingOptions) {
    this.#options = options;
  }

  take(session: ProxySession, { identity, at, askedAt = at, claimsAt = at }: Evidence): void {
    if (session.ended) return;
    const { clock, clocks } = this.#options;
    // Of two tokens of one user the later one says until when, whichever was used last.
    const isNewer = askedAt >= session.vouchedAt && at >= session.evidenceAt;
    session.vouchedAt = Math.max(session.vouchedAt, askedAt);
    session.evidenceAt = Math.max(session.evidenceAt, at);
    if (isNewer && session.expiresAt !== identity.expiresAt) {
      session.expiresAt = identity.expiresAt;
      clocks.schedule(session);
      this.#shareExpiry(session);
    }
    if (claimsAt >= session.claimsAt) {
      session.claims = this.#claimsOf(identity);
      session.claimsAt = claimsAt;
    }
    const isKnown = sameClaims(session.claims, session.current.claims);
    if (isKnown || clock.now() < session.claimsTriedAt + claimsPause) return;
    session.claimsTriedAt = clock.now();
    this.#renewClaims(session);
  }

  #renewClaims(session: ProxySession): void {
    const { generations, inBackground, moveSockets } = this.#options;
    inBackground(
      generations.renewClaims(session).then(({ lostGroup }) => {
        if (lostGroup) moveSockets(session, "QSP-CLAIMS");
      }),
    );
  }

  /** Earned by: bench 200B. Sources of ours give out the same frozen identity again and again. */
  #claimsOf(identity: Evidence["identity"]): Claims {
    if (!Object.isFrozen(identity)) return toClaims(identity);
    const known = this.#claims.get(identity);
    if (known !== undefined) return known;
    const claims = toClaims(identity);
    this.#claims.set(identity, claims);
    return claims;
  }

  /** The host's word was cut short, or was prolonged and the others would take the old end for true soon. */
  #shareExpiry(session: ProxySession): void {
    const { clock, inBackground, registry, shareEvery, sharing } = this.#options;
    const never = Number.POSITIVE_INFINITY;
    const known = session.shared.expiresAt ?? never;
    const isNear = known - clock.now() <= 2 * shareEvery;
    const isCutShort = (session.expiresAt ?? never) < known;
    if (registry.outlives && (isNear || isCutShort)) inBackground(sharing.use([session]));
  }
}
