import { SessionProxyError } from "../../errors.ts";
import { headerValues } from "../../http/raw-headers.ts";
import { type AssertionKey, signAssertion, signInTime } from "../assertion.ts";
import type { Credential, SignInAttempt } from "../backend.ts";
import { commonRefusal, firstErrorIn, shownCode } from "../login-answer.ts";
import { userAgent, type TenantAnswer } from "../port.ts";
import { sessionCookie } from "./cookies.ts";

/**
 * Exchanges an assertion for the tenant's cookies: `POST /login/jwt-session`, facts §2.1.
 *
 * Sent without Origin and without a web integration id, as server clients do (facts §2.1, §4).
 */
export async function logIn(key: AssertionKey, attempt: SignInAttempt): Promise<Credential> {
  const { call, claims, clock, timeLeft } = attempt;
  const assertion = await signInTime(key, clock, {
    timeout: timeLeft(),
    sign: () => signAssertion(key, claims, clock),
  });
  const answer = await call({
    method: "POST",
    path: "/login/jwt-session",
    headers: ["authorization", `Bearer ${assertion}`, "accept", "application/json", "user-agent", userAgent],
    timeout: timeLeft(),
  });
  const refusal = classify(answer, clock.now());
  if (refusal) throw refusal;
  const jar = attempt.createJar();
  jar.absorb(headerValues(answer.headers, "set-cookie"), clock.now());
  // A success without the session cookie is a failure. facts §2.1
  if (!jar.get(sessionCookie, clock.now())) {
    throw new SessionProxyError("QSP-TENANT-REFUSED", {
      reason: `the login answered ${answer.status} without the cookie ${sessionCookie}; is tenant.origin a Qlik Cloud tenant?`,
    });
  }
  return { jar, accessToken: null, csrfToken: null, endsAt: null };
}

/** Any 4xx is a refusal, a 429 asks for patience, all else is the tenant's own trouble. facts §1.4 */
function classify(answer: TenantAnswer, now: number): SessionProxyError | null {
  const { status } = answer;
  if (status >= 200 && status < 300) return null;
  const common = commonRefusal(answer, now);
  if (common) return common;
  const error = firstErrorIn(answer.body);
  const code = shownCode(error["code"]);
  const detail = namedFault(error["detail"]);
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

/** The one sentence of the tenant that is known to name what is wrong with a token, and nothing of it. facts §1.4 */
const namedFault = (text: unknown): string =>
  typeof text === "string" &&
  text.length <= 120 &&
  /^JWT_LOGIN_VALIDATIONS [A-Za-z ]+(: [A-Za-z_]{1,24})?$/.test(text)
    ? text
    : "";
