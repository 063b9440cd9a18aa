import { SessionProxyError } from "../errors.ts";
import { createCookieJar, type CookieJar } from "../http/cookie-jar.ts";
import { firstHeader, headerValues } from "../http/raw-headers.ts";
import type { Clock } from "../kernel/clock.ts";
import { signAssertion, type AssertionKey } from "./assertion.ts";
import type { Claims } from "./claims.ts";
import { sessionCookie } from "./cookies.ts";
import { userAgent, type TenantAnswer, type TenantCall } from "./port.ts";

/** What one login needs. */
export interface LoginRequest {
  readonly call: TenantCall;
  readonly key: AssertionKey;
  readonly claims: Claims;
  readonly clock: Clock;
  /** Milliseconds for the whole login: the signatures and all attempts. */
  readonly timeout: number;
  /** Host of the tenant, for the jar. */
  readonly host: string;
  /** Whether cookies marked `Secure` may be used: on https, or where plain http was asked for. */
  readonly secure: boolean;
  /** Whether the result would not count any more; it is not tried again then. */
  readonly isVoid?: () => boolean;
}

/** Attempts at one login where the tenant fails without saying no; each with a token of its own. */
const attempts = 2;

/** Seconds to wait where a 429 names none: the tenant counts by the minute. facts §7 */
const throttleWait = 30;

/** The longest that a 429 is obeyed, so that one wrong number does not lock everybody out for days. Seconds. */
const longestThrottle = 3600;

/**
 * Exchanges an assertion for the tenant's cookies: `POST /login/jwt-session`, facts §2.1.
 *
 * Sent without Origin and without a web integration id, as server clients do (facts §2.1, §4). What the tenant refuses is
 * not asked again; where it breaks down or cannot be reached there is one more attempt in what is left of the time. A
 * time-out leaves none: the next request tries again.
 *
 * @throws SessionProxyError `QSP-USER-REFUSED`, `QSP-TENANT-REFUSED`, `QSP-TENANT-THROTTLED`, `QSP-UPSTREAM`, `QSP-TIMEOUT`
 */
export async function login(request: LoginRequest): Promise<CookieJar> {
  const { clock, timeout } = request;
  const startedAt = clock.now();
  // A clock that was set back in between gives no more time than there was.
  const timeLeft = (): number => Math.min(timeout, timeout - (clock.now() - startedAt));
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptLogin(request, timeLeft);
    } catch (error) {
      const mayPass = error instanceof SessionProxyError && error.code === "QSP-UPSTREAM";
      if (!mayPass || attempt === attempts || timeLeft() <= 0 || request.isVoid?.()) throw error;
    }
  }
}

async function attemptLogin(request: LoginRequest, timeLeft: () => number): Promise<CookieJar> {
  const { call, key, claims, clock, host, secure } = request;
  const assertion = await signed(key, claims, clock, timeLeft());
  const answer = await call({
    method: "POST",
    path: "/login/jwt-session",
    headers: ["authorization", `Bearer ${assertion}`, "accept", "application/json", "user-agent", userAgent],
    timeout: Math.max(1, timeLeft()),
  });
  const refusal = classify(answer, clock.now());
  if (refusal) throw refusal;
  const jar = createCookieJar({ host, secure });
  jar.absorb(headerValues(answer.headers, "set-cookie"), clock.now());
  // A success without the session cookie is a failure. facts §2.1
  if (!jar.get(sessionCookie, clock.now())) {
    throw new SessionProxyError("QSP-TENANT-REFUSED", {
      reason: `the login answered ${answer.status} without the cookie ${sessionCookie}; is tenant.origin a Qlik Cloud tenant?`,
    });
  }
  return jar;
}

async function signed(key: AssertionKey, claims: Claims, clock: Clock, timeout: number): Promise<string> {
  let cancel = (): void => {};
  const tooLate = new Promise<never>((_, reject) => {
    cancel = clock.setTimer(timeout, () => reject(new Error("the signer did not answer in time")));
  });
  try {
    return await Promise.race([signAssertion(key, claims, clock), tooLate]);
  } catch (cause) {
    throw new SessionProxyError("QSP-TENANT-REFUSED", {
      reason: `the key "${key.keyId}" cannot sign; check the key or the key service`,
      cause,
    });
  } finally {
    cancel();
  }
}

/** Any 4xx is a refusal, a 429 asks for patience, all else is the tenant's own trouble. facts §1.4 */
function classify(answer: TenantAnswer, now: number): SessionProxyError | null {
  const { status } = answer;
  if (status >= 200 && status < 300) return null;
  if (status === 429) {
    return new SessionProxyError("QSP-TENANT-THROTTLED", {
      retryAfter: retryAfter(answer, now),
      reason: "the tenant limits logins (429)",
    });
  }
  if (status >= 500) {
    return new SessionProxyError("QSP-UPSTREAM", { reason: `the login answered ${status}` });
  }
  const { code, detail } = firstError(answer.body);
  const said = `the login answered ${status} ${code}${detail === "" ? "" : ` "${detail}"`}`;
  if (refusesUser(status, code) || userClaim.test(detail)) {
    return new SessionProxyError("QSP-USER-REFUSED", {
      reason: `${said}; is the user active in this tenant, with a licence, and does the host give name and e-mail?`,
    });
  }
  return new SessionProxyError("QSP-TENANT-REFUSED", {
    reason: `${said}; compare issuer, key id and certificate with the tenant's identity provider, the claims, and the clocks`,
  });
}

/** `AUTH-5` is a user who is not of the tenant, `LICENSES-…` one without a licence. facts §1.4, §2.5 */
const refusesUser = (status: number, code: string): boolean =>
  code === "AUTH-5" || code.startsWith("LICENSES-") || (status === 403 && code === "");

/** A claim that the host gives per user; one that every token has would be our fault. */
const userClaim = /Missing required claim: (email|name)$/;

/** How long a throttled tenant asks for, in whole seconds, 1 or more: given as seconds or as a date. @see RFC 9110 §10.2.3 */
function retryAfter({ headers }: TenantAnswer, now: number): number {
  const value = firstHeader(headers, "retry-after")?.trim() ?? "";
  // The date is the tenant's, and so is the clock that it is to be compared with.
  const wait = /^\d{1,9}$/.test(value)
    ? Number(value)
    : (toDate(value) - (toDate(firstHeader(headers, "date") ?? "") || now)) / 1000;
  return Number.isNaN(wait) ? throttleWait : Math.min(Math.max(1, Math.ceil(wait)), longestThrottle);
}

/** Milliseconds since the Unix epoch; NaN for anything but the date that HTTP writes. @see RFC 9110 §5.6.7 */
const toDate = (text: string): number =>
  /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)
    ? Date.parse(text)
    : Number.NaN;

/** The first error of a body, cut to what may stand in a log line. */
function firstError(body: Buffer): { readonly code: string; readonly detail: string } {
  try {
    const parsed = JSON.parse(body.toString("utf8")) as { errors?: { code?: unknown; detail?: unknown }[] };
    const { code, detail } = parsed.errors?.[0] ?? {};
    return {
      code: typeof code === "string" && /^[A-Za-z0-9-]{1,40}$/.test(code) ? code : "",
      detail: typeof detail === "string" && namesFault(detail) ? detail : "",
    };
  } catch {
    return { code: "", detail: "" };
  }
}

/** The one sentence of the tenant that is known to name what is wrong with a token, and nothing of it. facts §1.4 */
const namesFault = (text: string): boolean =>
  text.length <= 120 && /^JWT_LOGIN_VALIDATIONS [A-Za-z ]+(: [A-Za-z_]{1,24})?$/.test(text);
