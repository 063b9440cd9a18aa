import type { SessionProxyError } from "../../errors.ts";
import { headerValues } from "../../http/raw-headers.ts";
import { systemClock } from "../../kernel/clock.ts";
import { randomId } from "../../kernel/random.ts";
import { type AssertionKey, signAssertion } from "../../tenant/assertion.ts";
import { toClaims } from "../../tenant/claims.ts";
import { type TenantAnswer, userAgent } from "../../tenant/port.ts";
import { failed, type Finding } from "./step.ts";
import { errorCodeOf, listeningCall } from "./tenant-calls.ts";
import type { Visit } from "./visit.ts";

/** Cookies in one line that belong into several: what stands behind a comma begins like a cookie of the tenant. */
const joined = /,\s*(?:eas\.|_csrfToken|AWSALB)[\w.]*=/;

/** Whether several cookies came in one line. facts §11, row 21 */
export const holdsJoinedCookies = (setCookies: readonly string[]): boolean =>
  setCookies.some((line) => joined.test(line));

/** Says why a login failed: by what the tenant says of it, then by what it says of tokens that are wrong on purpose. */
export async function diagnoseLogin(
  visit: Visit,
  error: SessionProxyError,
  answer: TenantAnswer | undefined,
): Promise<Finding> {
  const found = error.reason ?? error.code;
  if (error.code === "QSP-TENANT-THROTTLED")
    return failed("login-throttled", `${found}; it asks for ${error.retryAfter} s`);
  if (answer === undefined || answer.status >= 500) return failed("tenant-down", found);
  if (answer.status < 300) {
    const isJoined = holdsJoinedCookies(headerValues(answer.headers, "set-cookie"));
    return failed(isJoined ? "damaged-cookies" : "no-session-cookie", found);
  }
  return byItsWords(visit, found, answer) ?? (await byComparison(visit, found, answer));
}

/** What the sources know of the tenant's own words. facts §1.4, §11 */
function byItsWords(visit: Visit, found: string, answer: TenantAnswer): Finding | null {
  const code = errorCodeOf(answer);
  const text = answer.body.toString("utf8").slice(0, 4096);
  const claim = /Missing required claim: ([A-Za-z_]{1,24})/.exec(text)?.[1];
  if (claim !== undefined) {
    const isUsers = claim === "email" || claim === "name" || claim === "email_verified";
    return failed(isUsers ? "missing-user-claim" : "missing-claim", found);
  }
  if (code === "LOGIN-2") return failed("no-identity-provider", found);
  if (code === "AUTH-5") return failed("user-refused", found);
  if (code.startsWith("LICENSES-")) return failed("no-licence", found);
  if (text.includes("Origin has not been granted access")) return failed("origin-added", found);
  if (text.includes("jti already used")) return failed("token-repeated", found);
  if (answer.status >= 300 && answer.status < 400) return failed("not-qlik-cloud", found);
  if (answer.status === 403 && code === "") return failed("address-not-admitted", found);
  if (answer.status === 404) return failed("not-qlik-cloud", found);
  const skew = visit.find("skew") ?? 0;
  if (/not active|expired/.test(text) || Math.abs(skew) > 30)
    return failed("clock-skew", `${found}; the tenant's clock is ${Math.abs(skew)} s off`);
  return null;
}

/**
 * The tenant's words for a wrong issuer or signature are not published (facts §1.4). So it is asked with tokens that are
 * wrong in one way each: what gets the same answer as ours is wrong in the same way.
 */
async function byComparison(visit: Visit, found: string, answer: TenantAnswer): Promise<Finding> {
  const own = visit.signingKey;
  const ours = wordsOf(answer);
  const stranger = await answerTo(visit, { ...own, issuer: `doctor-${randomId(9)}` });
  if (wordsOf(stranger) === ours)
    return failed("unknown-issuer", `${found}\nissuer ${own.issuer}, key id ${own.keyId}`);
  const forger = await answerTo(visit, { ...own, sign: async (data) => changed(await own.sign(data)) });
  if (wordsOf(forger) === ours) return failed("other-certificate", `${found}\nkey id ${own.keyId}`);
  return failed("token-refused", found);
}

const changed = (signature: Uint8Array): Uint8Array =>
  signature.map((byte, index) => (index === signature.length - 1 ? byte ^ 1 : byte));

async function answerTo(visit: Visit, key: AssertionKey): Promise<TenantAnswer> {
  const token = await signAssertion(key, toClaims(visit.get("person")), systemClock);
  return listeningCall(visit).call({
    method: "POST",
    path: "/login/jwt-session",
    headers: ["authorization", `Bearer ${token}`, "accept", "application/json", "user-agent", userAgent],
    timeout: visit.get("options").timeouts.login,
  });
}

/** What an answer says, without what is another in each. */
function wordsOf({ status, body }: TenantAnswer): string {
  return `${status} ${body.toString("utf8").replaceAll(/"traceId":"[^"]*"/g, "")}`;
}
