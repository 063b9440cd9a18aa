import { SessionProxyError } from "../errors.ts";
import { publish } from "../kernel/channels.ts";
import type { Clock } from "../kernel/clock.ts";
import { Secret } from "../kernel/secret.ts";
import { createSingleFlight } from "../kernel/single-flight.ts";
import type { AssertionKey } from "../tenant/assertion.ts";
import type { Claims } from "../tenant/claims.ts";
import { fetchCsrfToken } from "../tenant/csrf.ts";
import { login } from "../tenant/login.ts";
import type { TenantCall } from "../tenant/port.ts";
import { logoutAtTenant, probe } from "../tenant/probe.ts";
import { shownKey } from "./proxy-session.ts";
import type { JarPlace } from "./session-content.ts";
import { cookieFor, createTenantSession, tokenFromLogin, type TenantSession } from "./tenant-session.ts";

/** What the proxy itself asks of the tenant for a session. */
export interface TenantAccess {
  readonly origin: string;
  /** Logs in and wraps the cookies. @throws SessionProxyError */
  login(
    owner: { readonly key: string; readonly subjectHash: string; readonly isVoid?: () => boolean },
    claims: Claims,
    generation: number,
  ): Promise<TenantSession>;
  /** The CSRF token of a generation; one fetch however many ask. `stale` is a token that was not taken. */
  csrfToken(key: string, session: TenantSession, stale?: string): string | Promise<string>;
  /** Whether the tenant still knows the session; one probe however many ask. */
  isAlive(key: string, session: TenantSession): Promise<boolean>;
  /** Signs with another key from the next login on. */
  signWith(key: AssertionKey): void;
  /** Ends a session at the tenant, once, best effort: it never rejects. */
  end(key: string, session: TenantSession): Promise<void>;
}

/** What the access is made from. */
export interface TenantAccessOptions {
  readonly clock: Clock;
  readonly origin: string;
  /** What signs at the start. */
  readonly signingKey: AssertionKey;
  readonly place: JarPlace;
  /** Milliseconds for each request. */
  readonly timeout: number;
  readonly callFor: (key: string) => TenantCall;
}

/** Creates the access to one tenant. */
export function createTenantAccess(options: TenantAccessOptions): TenantAccess {
  const { clock, origin, timeout, callFor } = options;
  const site = { tenantOrigin: origin, timeout };
  let signingKey = options.signingKey;
  const tokens = createSingleFlight<TenantSession, string>();
  const probes = createSingleFlight<TenantSession, boolean>();

  const fetchToken = async (key: string, session: TenantSession): Promise<string> => {
    const now = clock.now();
    const answer = await fetchCsrfToken(callFor(key), cookieFor(session, "/api/v1/csrf-token", now), site);
    // After an auth loss the request itself meets it too, and a renewal answers it there.
    const token = typeof answer === "object" ? answer.token : (tokenFromLogin(session, now) ?? "");
    session.csrfToken = new Secret(token);
    return token;
  };

  const ask = async (key: string, session: TenantSession): Promise<boolean> => {
    const { alive, answer } = await probe(
      callFor(key),
      cookieFor(session, "/api/v1/users/me", clock.now()),
      site,
    );
    if (alive && answer.status < 300) session.provenAt = clock.now();
    return alive;
  };

  return {
    async login(owner, claims, generation) {
      const startedAt = clock.now();
      const about = { session: shownKey(owner), subjectHash: owner.subjectHash, tenant: origin };
      try {
        const jar = await login({
          call: callFor(owner.key),
          key: signingKey,
          claims,
          clock,
          timeout,
          ...options.place,
          ...(owner.isVoid ? { isVoid: owner.isVoid } : {}),
        });
        publish("login", () => ({
          event: "login.succeeded",
          outcome: "ok",
          ms: clock.now() - startedAt,
          ...about,
        }));
        return createTenantSession({ generation, jar, claims }, clock.now());
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
      const known = session.csrfToken?.reveal();
      if (known !== undefined && known !== stale) return known;
      return tokens.run(session, () => fetchToken(key, session));
    },

    signWith(key) {
      signingKey = key;
    },

    isAlive: (key, session) => probes.run(session, () => ask(key, session)),

    async end(key, session) {
      if (session.over) return;
      session.over = true;
      try {
        await logoutAtTenant(callFor(key), cookieFor(session, "/logout", clock.now()), timeout);
      } catch (error) {
        // The tenant forgets the session by its own limits. facts §2.4
        publish("session", () => ({
          event: "session.logoutFailed",
          level: "warn",
          tenant: origin,
          session: shownKey({ key }),
          code: toKnown(error).code,
        }));
      }
    },
  };
}

/** An error as one of the table. */
export const toKnown = (error: unknown): SessionProxyError =>
  error instanceof SessionProxyError ? error : new SessionProxyError("QSP-UPSTREAM", { cause: error });
