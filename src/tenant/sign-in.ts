import { SessionProxyError } from "../errors.ts";
import { createCookieJar, type CookieJarOptions } from "../http/cookie-jar.ts";
import type { Backend, Credential, SignInAttempt } from "./backend.ts";

/** What one login needs. */
export interface SignInRequest extends Omit<SignInAttempt, "timeLeft" | "createJar"> {
  readonly backend: Pick<Backend, "signIn">;
  /** Milliseconds for the whole login: the signatures and all attempts. */
  readonly timeout: number;
  /** Whose cookies they are. */
  readonly place: CookieJarOptions;
  /** Whether the result would not count any more; it is not tried again then. */
  readonly isVoid?: () => boolean;
}

/** Attempts at one login where the tenant fails without saying no; each with a token of its own. */
const attempts = 2;

/**
 * Signs a user in at the tenant.
 *
 * What the tenant refuses is not asked again; where it breaks down or cannot be reached there is one more attempt in what
 * is left of the time. A time-out leaves none: the next request tries again.
 *
 * @throws SessionProxyError `QSP-USER-REFUSED`, `QSP-TENANT-REFUSED`, `QSP-TENANT-THROTTLED`, `QSP-UPSTREAM`, `QSP-TIMEOUT`
 */
export async function signIn(request: SignInRequest): Promise<Credential> {
  const { backend, call, claims, clock, timeout, place } = request;
  const startedAt = clock.now();
  // A clock that was set back in between gives no more time than there was.
  const timeLeft = (): number => Math.min(timeout, timeout - (clock.now() - startedAt));
  const attempt: SignInAttempt = {
    call,
    claims,
    clock,
    createJar: () => createCookieJar(place),
    timeLeft: () => Math.max(1, timeLeft()),
  };
  for (let count = 1; ; count += 1) {
    try {
      return await backend.signIn(attempt);
    } catch (error) {
      const mayPass = error instanceof SessionProxyError && error.code === "QSP-UPSTREAM";
      if (!mayPass || count === attempts || timeLeft() <= 0 || request.isVoid?.()) throw error;
    }
  }
}
