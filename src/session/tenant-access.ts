import { SessionProxyError } from "../errors.ts";
import { publish } from "../kernel/channels.ts";
import type { Clock } from "../kernel/clock.ts";
import { Secret } from "../kernel/secret.ts";
import { createSingleFlight } from "../kernel/single-flight.ts";
import type { Backend } from "../tenant/backend.ts";
import type { Claims } from "../tenant/claims.ts";
import { csrfTokenIn } from "../tenant/csrf.ts";
import { ownRequest } from "../tenant/own-request.ts";
import type { OwnRequest, TenantAnswer, TenantCall } from "../tenant/port.ts";
import { signIn } from "../tenant/sign-in.ts";
import { shownKey } from "./proxy-session.ts";
import type { JarPlace } from "./session-content.ts";
import { createTenantSession, tokenFromLogin, type TenantSession } from "./tenant-session.ts";

/** What the proxy itself asks of the tenant for a session. */
export interface TenantAccess {
  readonly origin: string;
  /** Logs in and wraps what came of it. @throws SessionProxyError */
  login(
    owner: { readonly key: string; readonly subjectHash: string; readonly isVoid?: () => boolean },
    claims: Claims,
    generation: number,
  ): Promise<TenantSession>;
  /** The CSRF token of a generation, "" where it needs none; one fetch however many ask. `stale` was not taken. */
  csrfToken(key: string, session: TenantSession, stale?: string): string | Promise<string>;
  /** Whether the tenant still knows the session; one probe however many ask. */
  isAlive(key: string, session: TenantSession): Promise<boolean>;
  /** Signs in another way, such as with another key, from the next login on. */
  signInBy(backend: Backend): void;
  /** Ends a session at the tenant, once, best effort: it never rejects. */
  end(key: string, session: TenantSession): Promise<void>;
}

/** What the access is made from. */
export interface TenantAccessOptions {
  readonly clock: Clock;
  readonly origin: string;
  /** How users are signed in at the start. */
  readonly place: JarPlace;
  /** Milliseconds for each request. */
  readonly timeout: number;
  readonly callFor: (key: string) => TenantCall;
}

/** Creates the access to one tenant. */
export function createTenantAccess(options: TenantAccessOptions): TenantAccess {
  const { clock, origin, timeout, callFor, place } = options;
  let { backend } = place;
  const tokens = createSingleFlight<TenantSession, string>();
  const probes = createSingleFlight<TenantSession, boolean>();

  const send = (key: string, session: TenantSession, request: OwnRequest): Promise<TenantAnswer> => {
    const now = clock.now();
    session.lastSentAt = now;
    return callFor(key)({ ...ownRequest(session.backend, session, { request, now }), timeout });
  };

  const fetchToken = async (key: string, session: TenantSession, request: OwnRequest): Promise<string> => {
    const now = clock.now();
    const answer = await send(key, session, request);
    // After an auth loss the request itself meets it too, and a renewal answers it there.
    const given = session.backend.isAuthLoss(answer) ? undefined : csrfTokenIn(answer);
    const token = given ?? tokenFromLogin(session, now) ?? "";
    session.csrfToken = new Secret(token);
    return token;
  };

  const ask = async (key: string, session: TenantSession): Promise<boolean> => {
    const answer = await send(key, session, session.backend.probe);
    const alive = session.backend.isAlive(answer);
    if (alive && answer.status < 300) session.provenAt = clock.now();
    return alive;
  };

  return {
    async login(owner, claims, generation) {
      const startedAt = clock.now();
      const about = { session: shownKey(owner), subjectHash: owner.subjectHash, tenant: origin };
      try {
        const by = backend;
        const credential = await signIn({
          backend: by,
          call: callFor(owner.key),
          claims,
          clock,
          timeout,
          place,
          ...(owner.isVoid ? { isVoid: owner.isVoid } : {}),
        });
        publish("login", () => ({
          event: "login.succeeded",
          outcome: "ok",
          ms: clock.now() - startedAt,
          ...about,
        }));
        return createTenantSession({ generation, backend: by, credential, claims }, clock.now());
      } catch (error) {
        const known = toKnown(error);
        publish("login", () => ({
          event: "login.refused",
          level: known.code === "QSP-TENANT-REFUSED" ? "error" : "warn",
          outcome: known.code,
          code: known.code,
          ms: clock.now() - startedAt,
          ...(known.reason === undefined ? {} : { reason: known.reason }),
          ...about,
        }));
        throw known;
      }
    },

    origin,

    csrfToken(key, session, stale) {
      const { csrf } = session.backend;
      if (csrf === null) return "";
      const known = session.csrfToken?.reveal();
      if (known !== undefined && known !== stale) return known;
      return tokens.run(session, () => fetchToken(key, session, csrf.request));
    },

    signInBy(next) {
      backend = next;
    },

    isAlive: (key, session) => probes.run(session, () => ask(key, session)),

    async end(key, session) {
      if (session.over) return;
      session.over = true;
      try {
        // By the one of now: what a token was got with may have been replaced since.
        const answer = await send(key, session, backend.signOut(session));
        // One that the tenant does not know is over.
        if (answer.status >= 400 && !session.backend.isAuthLoss(answer))
          throw new SessionProxyError("QSP-UPSTREAM", { reason: `status ${answer.status}` });
      } catch (error) {
        const { code, reason } = toKnown(error);
        // The tenant forgets the session by its own limits. facts §2.4
        publish("session", () => ({
          event: "session.logoutFailed",
          level: "warn",
          tenant: origin,
          session: shownKey({ key }),
          code,
          ...(reason === undefined ? {} : { reason }),
        }));
      }
    },
  };
}

/** An error as one of the table. */
export const toKnown = (error: unknown): SessionProxyError =>
  error instanceof SessionProxyError ? error : new SessionProxyError("QSP-UPSTREAM", { cause: error });
