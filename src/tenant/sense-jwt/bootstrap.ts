import { SessionProxyError } from "../../errors.ts";
import { headerValues } from "../../http/raw-headers.ts";
import { Secret } from "../../kernel/secret.ts";
import { type AssertionKey, signInTime, signToken } from "../assertion.ts";
import type { Credential, SignInAttempt } from "../backend.ts";
import type { Claims } from "../claims.ts";
import { csrfTokenIn } from "../csrf.ts";
import { commonRefusal } from "../login-answer.ts";
import { userAgent, type TenantAnswer } from "../port.ts";

/** A virtual proxy with the method JWT, as the management console has it. facts §10.1 */
export interface VirtualProxy {
  /** Its prefix, without slashes. */
  readonly name: string;
  readonly sessionCookie: string;
  /** The directory that all users of this proxy are in. */
  readonly userDirectory: string;
  /** "JWT attribute for user ID". */
  readonly userIdClaim: string;
  /** "JWT attribute for user directory". */
  readonly userDirectoryClaim: string;
}

/** The request that begins a session, and says whether one lives. facts §10.1, §10.2 */
export const csrfPath = "/qps/csrftoken";

/** How a bootstrap is sent: everything but who it is for. */
export interface BootstrapWay {
  readonly key: AssertionKey;
  readonly virtualProxy: VirtualProxy;
  /** Path and query of the request. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/**
 * Begins a session: one request with the token, whose answer brings the cookie and the CSRF token. The token travels this
 * once: every further request with it and without the cookie would begin another session. facts §10.2
 */
export async function bootstrap(way: BootstrapWay, attempt: SignInAttempt): Promise<Credential> {
  const { key, virtualProxy } = way;
  const { call, clock, timeLeft } = attempt;
  const claims = claimsFor(virtualProxy, attempt.claims);
  const token = await signInTime(key, clock, {
    timeout: timeLeft(),
    sign: () => signToken(key, claims, clock),
  });
  const answer = await call({
    method: "GET",
    path: way.path,
    headers: ["authorization", `Bearer ${token}`, ...way.headers, "accept", "*/*", "user-agent", userAgent],
    timeout: timeLeft(),
  });
  const refusal = classify(answer, clock.now());
  if (refusal) throw refusal;
  const jar = attempt.createJar();
  jar.absorb(headerValues(answer.headers, "set-cookie"), clock.now());
  if (!jar.get(virtualProxy.sessionCookie, clock.now())) throw withoutCookie(answer, virtualProxy);
  const csrfToken = csrfTokenIn(answer);
  return {
    jar,
    accessToken: null,
    csrfToken: csrfToken === undefined ? null : new Secret(csrfToken),
    endsAt: null,
  };
}

function claimsFor(virtualProxy: VirtualProxy, { sub, name, email, groups }: Claims): object {
  return {
    name,
    ...(email === undefined ? {} : { email }),
    ...(groups === undefined ? {} : { groups }),
    [virtualProxy.userIdClaim]: sub,
    [virtualProxy.userDirectoryClaim]: virtualProxy.userDirectory,
  };
}

/** A release without the CSRF end point answers 404, and has begun a session all the same. facts §10.1 */
function classify(answer: TenantAnswer, now: number): SessionProxyError | null {
  const { status } = answer;
  if ((status >= 200 && status < 300) || status === 404) return null;
  const common = commonRefusal(answer, now);
  if (common) return common;
  const said = `the virtual proxy answered ${status}`;
  if (status === 403) {
    return new SessionProxyError("QSP-USER-REFUSED", {
      reason: `${said}; has the user five sessions already, and an access rule that lets the user in?`,
    });
  }
  return new SessionProxyError("QSP-TENANT-REFUSED", {
    reason: `${said}; ${remedies.get(status) ?? "compare the certificate and the attributes of the virtual proxy with tenant.signingKeys and the claims, and the clocks"}`,
  });
}

/** facts §10.1, §10.2 */
const remedies: ReadonlyMap<number, string> = new Map([
  [301, "is its authentication method JWT, and tenant.virtualProxy its prefix?"],
  [302, "is its authentication method JWT, and tenant.virtualProxy its prefix?"],
  [400, "is it linked to a proxy service?"],
]);

const withoutCookie = ({ status }: TenantAnswer, { sessionCookie }: VirtualProxy): SessionProxyError =>
  new SessionProxyError("QSP-TENANT-REFUSED", {
    reason: `the virtual proxy answered ${status} without the cookie ${sessionCookie}; compare tenant.sessionCookie with its session cookie header name, and tenant.virtualProxy with its prefix`,
  });
