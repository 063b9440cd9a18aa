import type { CookieJar } from "../http/cookie-jar.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Claims } from "./claims.ts";
import type { OwnRequest, TenantAnswer, TenantCall } from "./port.ts";

/** How a tenant signs users in, and what it wants to see afterwards. */
export const tenantKinds = ["qlik-cloud-jwt", "qlik-cloud-oauth", "qlik-sense-jwt"] as const;

export type TenantKind = (typeof tenantKinds)[number];

/** What one login gave: by this the tenant knows whose a request is. */
export interface Credential {
  readonly jar: CookieJar;
  /** What requests carry instead of the session's cookies; null where cookies do. */
  readonly accessToken: Secret | null;
  /** A CSRF token that came with the login; null where it has to be fetched, or none is needed. */
  readonly csrfToken: Secret | null;
  /** When the tenant has said that it ends, in milliseconds since the Unix epoch; null where it has said nothing. */
  readonly endsAt: number | null;
}

/** What one attempt to sign a user in is made with. */
export interface SignInAttempt {
  readonly call: TenantCall;
  readonly claims: Claims;
  readonly clock: Clock;
  /** Makes an empty jar for the tenant's cookies. */
  readonly createJar: () => CookieJar;
  /** What is left for it. Milliseconds, 1 or more. */
  readonly timeLeft: () => number;
}

/** Where a tenant gives CSRF tokens, and which requests need one; upgrades have it in the query. facts §3, §10.2 */
export interface CsrfRules {
  /** The request that is answered with a token in the header of the same name. */
  readonly request: OwnRequest;
  /** Whether requests with effects carry it as a header. */
  readonly inRequests: boolean;
  /** The cookie with a token that was minted at login, for tenants that hand out no other; null for none. */
  readonly cookie: string | null;
}

/**
 * What a cookie of the tenant's is: one of the session's own, the one that is the session, somebody else's (a load
 * balancer's), or one that must not be sent beside what the session shows.
 */
export type CookieRole = "session" | "session-id" | "other" | "unwanted";

/**
 * One way to have sessions at a tenant. Everything is decided when it is made: what differs between kinds is plain data
 * wherever it can be, so that a request asks for nothing that its tenant does not need.
 */
export interface Backend {
  readonly kind: TenantKind;
  /** Names the tenant among all that share a store: sessions of another kind or place are never met. */
  readonly storeName: string;
  /** Path at the tenant's origin below which everything is: "" or "/jwt". */
  readonly base: string;
  /** Whether the tenant counts the sessions of a user, so that all host sessions of a user have to share one. */
  readonly countsSessions: boolean;
  /**
   * Whether clients are not told which product this is: the vendor's would do by themselves what the proxy does for them, and
   * wait for what comes after a first message that they do not send. facts §6.1, §10.2
   */
  readonly hidesProduct: boolean;
  /** The origin that upgrades name; null where none is sent. facts §4, §10.2 */
  readonly socketOrigin: string | null;
  /** Query parameters that every request carries, names and values in turn, after the client's own. */
  readonly parameters: readonly string[];
  /** Headers that every request carries, whosever it is: names and values in turn. */
  readonly headers: readonly string[];
  /** Names of parameters that the proxy owns; a client's are dropped. attacks W17 */
  readonly ownedParameters: Pick<ReadonlySet<string>, "has">;
  /** Null where requests need no CSRF token. */
  readonly csrf: CsrfRules | null;
  /** Asks whether a session is alive; also counts as its use. rules R5 */
  readonly probe: OwnRequest;
  /** What the answer to that says. */
  isAlive(answer: Pick<TenantAnswer, "status" | "headers">): boolean;
  /** Names what signs users in without showing it: what was refused with one is no word on another. */
  readonly signer: string;
  /** Tries once to sign a user in. @throws SessionProxyError */
  signIn(attempt: SignInAttempt): Promise<Credential>;
  /** The request that ends a session. */
  signOut(credential: Pick<Credential, "accessToken">): OwnRequest;
  /** Headers that show whose a request is, beside cookies: names and values in turn. */
  headersOf(credential: Pick<Credential, "accessToken">): readonly string[];
  /** Tells whether an answer means that the session is gone. rules R5 */
  isAuthLoss(answer: Pick<TenantAnswer, "status" | "headers">): boolean;
  /** Whether a refused upgrade may mean the same; the probe knows. */
  mayBeUpgradeLoss(answer: Pick<TenantAnswer, "status" | "headers">): boolean;
  cookieRole(name: string): CookieRole;
}

/** Whether a cookie is kept with the session, and shared with the other nodes. rules R5 */
export function belongsToSession(backend: Pick<Backend, "cookieRole">, name: string): boolean {
  const role = backend.cookieRole(name);
  return role === "session" || role === "session-id";
}
