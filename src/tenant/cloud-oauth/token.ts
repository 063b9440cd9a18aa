import { SessionProxyError } from "../../errors.ts";
import { isHeaderValue } from "../../http/raw-headers.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Credential, SignInAttempt } from "../backend.ts";
import { commonRefusal, firstErrorIn, objectIn, shownCode } from "../login-answer.ts";
import { userAgent, type TenantAnswer } from "../port.ts";

/** The OAuth client of the tenant, as its administrator registered it: machine-to-machine impersonation. facts §9 */
export interface OauthClient {
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly scope: string;
  /** Whether the host's subject is the tenant's `subject` of a user, or the id that the tenant has made. */
  readonly userLookup: "subject" | "userId";
}

const impersonation = "urn:qlik:oauth:user-impersonation";

/** What is taken for the end of a token that does not name one: it is asked for anew well before. Seconds; facts §9 */
const usualLifetime = 6 * 3600;

/** The longest that is believed: what is older than a day is renewed, whatever was said. Seconds. */
const longestLifetime = 24 * 3600;

/** Asks for a token in the name of a user: `POST /oauth/token`, facts §9. */
export async function requestToken(client: OauthClient, attempt: SignInAttempt): Promise<Credential> {
  const { call, claims, clock, timeLeft } = attempt;
  const askedAt = clock.now();
  const answer = await call({
    method: "POST",
    path: "/oauth/token",
    headers: ["content-type", "application/json", "accept", "application/json", "user-agent", userAgent],
    body: JSON.stringify({
      client_id: client.clientId,
      client_secret: client.clientSecret.reveal(),
      grant_type: impersonation,
      user_lookup: { field: client.userLookup, value: claims.sub },
      scope: client.scope,
    }),
    timeout: timeLeft(),
  });
  const refusal = classify(answer, clock.now());
  if (refusal) throw refusal;
  const { access_token: token, expires_in: lifetime } = objectIn(answer.body);
  if (typeof token !== "string" || token === "" || token.includes(" ") || !isHeaderValue(token)) {
    throw new SessionProxyError("QSP-TENANT-REFUSED", {
      reason: `the token endpoint answered ${answer.status} without a token; is tenant.origin a Qlik Cloud tenant?`,
    });
  }
  return {
    jar: attempt.createJar(),
    accessToken: new Secret(token),
    csrfToken: null,
    // From before the question: the token was made after it.
    endsAt: askedAt + lifetimeOf(lifetime) * 1000,
  };
}

const lifetimeOf = (seconds: unknown): number =>
  typeof seconds === "number" && seconds > 0 ? Math.min(seconds, longestLifetime) : usualLifetime;

/**
 * What the endpoint says of the user and what it says of us. Its codes are those of OAuth where it speaks OAuth (RFC 6749
 * §5.2), else the tenant's `errors[]` (facts §7); what it says of an unknown user is in no source (facts §11, row 26).
 */
function classify(answer: TenantAnswer, now: number): SessionProxyError | null {
  const { status, body } = answer;
  if (status >= 200 && status < 300) return null;
  const common = commonRefusal(answer, now);
  if (common) return common;
  const code = shownCode(objectIn(body)["error"]) || shownCode(firstErrorIn(body)["code"]);
  const said = `the token endpoint answered ${status} ${code}`.trimEnd();
  if (
    ofUser.has(code) ||
    code.startsWith("LICENSES-") ||
    (code === "" && (status === 403 || status === 404))
  ) {
    return new SessionProxyError("QSP-USER-REFUSED", {
      reason: `${said}; is there such a user in the tenant, and active? A user has to exist before it can be impersonated: see tenant.userLookup`,
    });
  }
  return new SessionProxyError("QSP-TENANT-REFUSED", {
    reason: `${said}; ${remedies.get(code) ?? "compare tenant.clientId, the client secret and tenant.scope with the OAuth client"}`,
  });
}

/** Codes that are about the one who is to be impersonated. @see RFC 6749 §5.2 */
const ofUser: ReadonlySet<string> = new Set(["invalid_grant", "access_denied", "AUTH-5"]);

const remedies: ReadonlyMap<string, string> = new Map([
  ["invalid_client", "compare tenant.clientId and the client secret with the OAuth client in the tenant"],
  ["invalid_scope", "tenant.scope names what the OAuth client in the tenant does not have"],
  [
    "unauthorized_client",
    "the OAuth client in the tenant must be of the kind Web, with M2M user impersonation allowed and its consent method Trusted",
  ],
]);
