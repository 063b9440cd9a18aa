import { SessionProxyError } from "../errors.ts";
import { publish } from "../kernel/channels.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Registry } from "../registry/registry.ts";
import type { View } from "../registry/view.ts";
import type { SessionKeys, SessionOwner } from "../registry/session-key.ts";
import { toClaims, type Claims, type ClaimSource } from "../tenant/claims.ts";
import { mostTurns, patience } from "./generations.ts";
import type { Logins } from "./logins.ts";
import { shownKey, type ProxySession } from "./proxy-session.ts";
import { parseContent, toTenantSession, type JarPlace } from "./session-content.ts";
import type { TenantAccess } from "./tenant-access.ts";
import type { TenantSession } from "./tenant-session.ts";

/** What a session needs to know of an identity. */
export type SessionSubject = ClaimSource & SessionOwner & { readonly expiresAt?: number };

/** An identity as the host gave it, and when. */
export interface Evidence {
  readonly identity: SessionSubject;
  /** When the host's word was given, in milliseconds: a token is older than the request that carries it. rules R1 */
  readonly at: number;
  /** When the host said what the tenant is told of the user; `at` where it is left out. rules R9 */
  readonly claimsAt?: number;
  /** When the request came that it was used for; `at` where it is left out. Open sockets live on after it. rules R3 */
  readonly askedAt?: number;
  /** Asks the host again, past any cache; null where it no longer vouches. */
  again(): Promise<SessionSubject | null>;
}

/** What openings are made with. */
export interface OpeningsOptions {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly logins: Logins;
  readonly tenant: TenantAccess;
  readonly tenantOrigin: string;
  readonly place: JarPlace;
  /** Milliseconds for one login. */
  readonly loginTimeout: number;
  readonly isClosed: () => boolean;
}

/** The host's word is older than an end; a newer word may be taken. */
const endedMeanwhile = "ended since the host vouched";

/** Whether a refusal was for that. */
export const isEndedMeanwhile = (error: unknown): boolean =>
  error instanceof SessionProxyError && error.reason === endedMeanwhile;

/** Finds the session of an identity in the store, or makes one. */
export class Openings {
  readonly #options: OpeningsOptions;

  constructor(options: OpeningsOptions) {
    this.#options = options;
  }

  /** The session as the store has it; null where there is none. Neither logs in nor extends. @throws SessionProxyError */
  async find(key: string, keys: SessionKeys): Promise<ProxySession | null> {
    const askedAt = this.#options.clock.now();
    const view = await this.#options.registry.read(key);
    return this.#adopted(key, keys, view, askedAt);
  }

  /** The session that other nodes made meanwhile, or a new one. @throws SessionProxyError */
  async open(key: string, keys: SessionKeys, evidence: Evidence): Promise<ProxySession> {
    const { registry, clock, loginTimeout } = this.#options;
    const deadline = clock.now() + patience * loginTimeout;
    let identity: SessionSubject | null = null;
    for (let turn = 0; turn < mostTurns && clock.now() < deadline; turn += 1) {
      const askedAt = clock.now();
      const view = await registry.read(key);
      if (!registry.ends.admits(key, evidence.at)) {
        throw new SessionProxyError("QSP-UNAUTHENTICATED", { reason: endedMeanwhile });
      }
      const found = this.#adopted(key, keys, view, askedAt);
      if (found) return found;
      identity ??= await evidence.again();
      // What the store said before the host was asked again is what is compared. rules R1
      if (!identity || keys.keyOf(identity) !== key) throw new SessionProxyError("QSP-UNAUTHENTICATED");
      const made = await this.#logIn(key, keys, { view, identity, evidence });
      if (made) return made;
    }
    throw new SessionProxyError("QSP-TIMEOUT", { reason: "other nodes' logins did not come to an end" });
  }

  async #logIn(
    key: string,
    keys: SessionKeys,
    {
      view,
      identity,
      evidence,
    }: { readonly view: View; readonly identity: SessionSubject; readonly evidence: Evidence },
  ): Promise<ProxySession | null> {
    const { clock, logins, tenant, tenantOrigin, registry, isClosed } = this.#options;
    const now = clock.now();
    const { subject } = identity;
    const result = await logins.run({
      key,
      subjectHash: keys.hashOf(subject),
      epochs: view.epochs,
      from: null,
      claims: { at: evidence.claimsAt ?? evidence.at, value: toClaims(identity) },
      patience: null,
      claimsPause: null,
      before: [],
      live: {
        subject,
        hasHostSession: keys.hostSessionOf(identity) !== undefined,
        openedAt: evidence.at,
        createdAt: now,
        usedAt: now,
        vouchedAt: evidence.askedAt ?? evidence.at,
        expiresAt: identity.expiresAt ?? null,
      },
    });
    if (result.kind === "ended" && !registry.ends.admits(key, evidence.at)) {
      // A host session that was ended while it logged in is as ended as one that had.
      if (keys.hostSessionOf(identity) !== undefined) await registry.endKey(key, "revoked", true);
      throw new SessionProxyError("QSP-UNAUTHENTICATED", { reason: endedMeanwhile });
    }
    // An end from before this request, of which the store was told again: nothing speaks against another try.
    if (result.kind !== "committed") return null;
    if (isClosed() && !registry.outlives) await tenant.end(key, result.session);
    if (isClosed()) throw new SessionProxyError("QSP-BUSY", { retryAfter: 0 });
    // Under a name that is not used any more, nobody would find it, or its end.
    if (registry.naming.keys !== keys) {
      await tenant.end(key, result.session);
      throw new SessionProxyError("QSP-BUSY", { retryAfter: 0 });
    }
    // Ended here between the commit and now: that end takes it out of the store again, and tells the tenant.
    if (!registry.ends.admits(key, evidence.at)) {
      throw new SessionProxyError("QSP-UNAUTHENTICATED", { reason: endedMeanwhile });
    }
    const { session: current, version, birth } = result;
    const at = clock.now();
    const session = createProxySession({
      key,
      subject,
      subjectHash: keys.hashOf(subject),
      hasHostSession: keys.hostSessionOf(identity) !== undefined,
      birth,
      openedAt: evidence.at,
      createdAt: at,
      epochs: view.epochs,
      version,
      // What was heard while the login ran was not heard of this session.
      checkedAt: now,
      claims: result.claims,
      expiresAt: identity.expiresAt,
      usedAt: at,
      vouchedAt: evidence.askedAt ?? evidence.at,
      current,
      older: [],
    });
    publish("session", () => ({
      event: "session.created",
      session: shownKey(session),
      subjectHash: session.subjectHash,
      tenant: tenantOrigin,
    }));
    return session;
  }

  #adopted(key: string, keys: SessionKeys, view: View, askedAt: number): ProxySession | null {
    const { live } = view;
    const { clock, place } = this.#options;
    const content = parseContent(live?.content, place.backend.kind);
    if (live === null || content === null) return null;
    const times = { now: clock.now(), offset: view.offset };
    const [current, ...older] = content.generations.map((each) => toTenantSession(each, place, times));
    if (current === undefined) return null;
    return createProxySession({
      key,
      subject: live.subject,
      subjectHash: keys.hashOf(live.subject),
      hasHostSession: live.hasHostSession,
      birth: live.birth,
      openedAt: live.openedAt,
      createdAt: live.createdAt,
      epochs: view.epochs,
      version: view.version,
      checkedAt: askedAt,
      claims: view.claims
        ? { at: view.claims.at, value: view.claims.value as Claims }
        : { at: live.openedAt, value: current.claims },
      expiresAt: live.expiresAt ?? undefined,
      usedAt: live.usedAt,
      vouchedAt: live.vouchedAt,
      current,
      older: older.reverse(),
    });
  }
}

function createProxySession({
  claims,
  usedAt,
  older,
  ...session
}: Pick<
  ProxySession,
  | "key"
  | "subject"
  | "subjectHash"
  | "hasHostSession"
  | "birth"
  | "openedAt"
  | "createdAt"
  | "epochs"
  | "version"
  | "checkedAt"
  | "expiresAt"
  | "vouchedAt"
  | "current"
> & {
  readonly claims: { readonly at: number; readonly value: Claims };
  readonly usedAt: number;
  readonly older: readonly TenantSession[];
}): ProxySession {
  return {
    ...session,
    blindSince: null,
    sureUntil: 0,
    doubts: 0,
    evidenceAt: session.openedAt,
    claims: claims.value,
    claimsAt: claims.at,
    claimsTriedAt: session.checkedAt,
    lastUsedAt: usedAt,
    shared: { usedAt, vouchedAt: session.vouchedAt, expiresAt: session.expiresAt },
    older: new Set(older),
    renewedAt: [],
    renewalTriedAt: 0,
    exchanges: 0,
    socketEpoch: 0,
    ended: null,
    onEnd: new Set(),
  };
}
