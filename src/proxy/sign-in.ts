import type { IncomingMessage } from "node:http";
import { SessionProxyError } from "../errors.ts";
import type { Identity, Named } from "../identity/identity.ts";
import { within } from "../kernel/deadline.ts";
import { comeBackAfter } from "../registry/ends.ts";
import type { ProxySession } from "../session/proxy-session.ts";
import type { SessionManager } from "../session/session-manager.ts";
import type { Admission } from "./admission.ts";

/** Who is asking, and the session of whoever that is. */
export interface SignIn {
  /** Who the host says this is; null for nobody, also where the source says why. @throws SessionProxyError `QSP-IDENTITY` */
  identify(request: IncomingMessage): Promise<Identity | null>;
  /**
   * The session of whoever the host says this is; `at` is when the head of the request was there. A promise only where
   * something has to be waited for. @throws SessionProxyError
   */
  signIn(request: IncomingMessage, at: number): ProxySession | Promise<ProxySession>;
  /** Waits for the host, for so long as it may take: one that never answers must not keep a connection for ever. */
  inTime<T>(host: Promise<T>): Promise<T>;
}

/** What signing in needs. */
export interface SignInOptions {
  readonly admission: Pick<Admission, "identify">;
  readonly sessions: SessionManager;
  /** Whether the source remembers words, and can be asked past them. */
  readonly remembers: boolean;
  /** For the host's word. Milliseconds. */
  readonly timeout: number;
  readonly now: () => number;
}

/** Waits for what the host says, but not longer than `ms` milliseconds. @throws SessionProxyError `QSP-IDENTITY` */
export const waitForHost = <T>(ms: number, host: Promise<T>): Promise<T> =>
  within(ms, host, () => new SessionProxyError("QSP-IDENTITY", { status: 503, reason: "no answer" }));

/** To nobody, where the source says why it is nobody. @throws whatever else went wrong */
export function orNobody(error: unknown): null {
  if (error instanceof SessionProxyError && error.code === "QSP-UNAUTHENTICATED") return null;
  throw error;
}

/** Joins identities and sessions. */
export function createSignIn({ admission, sessions, remembers, timeout, now }: SignInOptions): SignIn {
  const inTime = <T>(host: Promise<T>): Promise<T> => waitForHost(timeout, host);

  /**
   * A word that opens nothing after an end is not taken from memory: after a log-out the host is asked again, and once more as
   * soon as its word counts. rules R1, R14
   */
  const current = (request: IncomingMessage, identity: Identity | null): Named => {
    if (!remembers || identity?.evidenceAt === undefined) return identity;
    const end = sessions.lastEnd(identity);
    const counts = end + comeBackAfter;
    if (counts < identity.evidenceAt) return identity;
    // Until then another question gives no better word: one is enough for all who ask.
    return admission.identify(request, now() > counts ? counts : end);
  };

  const identifyNow = (request: IncomingMessage): Named => {
    const identity = admission.identify(request);
    return identity instanceof Promise
      ? identity.then((each) => current(request, each))
      : current(request, identity);
  };

  return {
    inTime,
    identify: async (request) => inTime(Promise.resolve().then(() => identifyNow(request))).catch(orNobody),
    signIn(request, at) {
      // Past everything that is remembered: the host may have changed its mind while the login was prepared. rules R1
      const again = async (): Promise<Identity | null> =>
        inTime(Promise.resolve(admission.identify(request, now())));
      const join = (identity: Identity | null): ProxySession | Promise<ProxySession> => {
        if (!identity) throw new SessionProxyError("QSP-UNAUTHENTICATED");
        const { evidenceAt = at, claimsAt = evidenceAt } = identity;
        const times = { at: Math.min(at, evidenceAt), claimsAt: Math.min(at, claimsAt), askedAt: at };
        return sessions.acquire({ identity, ...times, again });
      };
      const identity = identifyNow(request);
      return identity instanceof Promise ? inTime(identity).then(join) : join(identity);
    },
  };
}
