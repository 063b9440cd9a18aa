import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { emptyAnswer, redirectAnswer, statusAnswer, unauthorizedAnswer, type Answer } from "../answer.ts";
import type { EmulatorClock } from "../clock.ts";
import { expiredCookie, parseCookies, sessionCookie } from "../cookies.ts";
import type { Exchange } from "../exchange.ts";
import type { IdentityProviders } from "../identity-provider.ts";
import type { TenantModes } from "../modes.ts";
import { open } from "../router.ts";
import type { SessionStore, UserSession } from "../sessions.ts";
import { decodeToken, TokenRefused, verifySignature } from "../signed-token.ts";
import type { Person, UserDirectory } from "../users.ts";
import { bearerOf, headerOf, type Access, type Found } from "./access.ts";

/** A virtual proxy with the method JWT (facts §10.1). */
export interface VirtualProxy {
  /** Without slashes; `jwt` by default. */
  readonly prefix?: string;
  /** `X-Qlik-Session-jwt` by default. */
  readonly sessionCookie?: string;
  /** Origins that upgrades are taken from; the server's own by default. */
  readonly hostAllowList?: readonly string[];
  /** `userId` by default. */
  readonly userIdAttribute?: string;
  /** `userDirectory` by default. */
  readonly userDirectoryAttribute?: string;
}

/** What this kind works with. */
export interface SenseJwtParts {
  readonly sessions: SessionStore;
  readonly modes: TenantModes;
  readonly users: UserDirectory;
  readonly clock: EmulatorClock;
  readonly identityProviders: IdentityProviders;
  readonly virtualProxy: Required<Omit<VirtualProxy, "hostAllowList">>;
  readonly hostAllowList: () => readonly string[];
}

/** Parallel sessions of a user: facts §10.2. */
const MOST_SESSIONS = 5;

/** "Not authenticated" of one path, by which clients know it: facts §10.1. */
const CSRF_PATH = "/qps/csrftoken";

/** Qlik Sense Enterprise behind a virtual proxy for signed tokens (facts §10). */
export function createSenseJwtAccess(parts: SenseJwtParts): Access {
  const { sessions, modes, virtualProxy, hostAllowList } = parts;
  const { prefix, sessionCookie: cookieName } = virtualProxy;
  const byCookie = new Map<string, string>();
  const untold = new Map<string, string>();
  const ofCookie = (request: IncomingMessage): UserSession | undefined => {
    const value = parseCookies(request.headers.cookie).get(cookieName);
    return value === undefined ? undefined : sessions.findById(byCookie.get(value) ?? "");
  };
  const begin = (token: string): Found => {
    const person = personIn(token, parts);
    const user = parts.users.signIn(person);
    if (user.status === "disabled") return { refused: statusAnswer(403, "Forbidden") };
    const living = sessions.list().filter(({ subject }) => subject === person.subject);
    // Which answer goes with OnMaxParallelSessionsExceeded is in no source (facts §10.2).
    if (living.length >= MOST_SESSIONS)
      return { refused: statusAnswer(403, "Forbidden", "Max parallel sessions") };
    const { session } = sessions.start(user);
    const value = randomUUID();
    byCookie.set(value, session.id);
    untold.set(session.id, value);
    return { session };
  };
  return {
    kind: "qlik-sense-jwt",
    routes: [
      open(`GET ${CSRF_PATH}`, csrfToken),
      open("DELETE /qps/user", (exchange) => endSession(exchange, sessions, cookieName)),
    ],
    deploymentType: "QlikSenseServer",
    socketGreeting: (session) => greeting(session),
    base: `/${prefix}`,
    locate: (path) => (path.startsWith(`/${prefix}/`) ? path.slice(prefix.length + 1) : undefined),
    find(request) {
      const session = ofCookie(request);
      const token = bearerOf(request);
      if (session !== undefined || token === undefined || request.headers.upgrade !== undefined)
        return { session };
      // Each request with a token and without the cookie makes a session: facts §10.2.
      try {
        return begin(token);
      } catch (error) {
        if (error instanceof TokenRefused) return { refused: unauthorizedAnswer() };
        throw error;
      }
    },
    newCookies(session) {
      const value = untold.get(session.id);
      untold.delete(session.id);
      return value === undefined ? [] : [sessionCookie(cookieName, value, modes.secureCookies)];
    },
    refuse: ({ request, query }) => refuseXrf(request, query),
    refuseUpgrade(upgrade) {
      const { request, query, session } = upgrade;
      const origin = headerOf(request, "origin");
      // All of it since November 2024, and a header does not do for the token: facts §10.2.
      const isRight =
        request.headers.authorization === undefined &&
        origin !== undefined &&
        hostAllowList().includes(origin) &&
        session !== undefined &&
        session.csrf.verify(query.get("qlik-csrf-token") ?? undefined);
      return isRight ? undefined : statusAnswer(403, "Forbidden");
    },
  };
}

/** The key in the query and in the header, the same 16 letters and digits: facts §10.1. Asked of every call: a strict witness. */
function refuseXrf(request: IncomingMessage, query: URLSearchParams): Answer | undefined {
  const key = headerOf(request, "x-qlik-xrfkey");
  const isRight = key !== undefined && /^[A-Za-z0-9]{16}$/.test(key) && query.getAll("xrfkey").join() === key;
  return isRight ? undefined : statusAnswer(400, "Bad request", "XSRF prevention check failed");
}

/** `GET /qps/csrftoken`: 204 with the token in a header (facts §10.1). */
function csrfToken({ session, request, query }: Exchange): Answer {
  const wrong = refuseXrf(request, query);
  if (wrong !== undefined) return wrong;
  if (session === undefined) return redirectAnswer("/internal_forms_authentication/");
  return emptyAnswer(204, [["qlik-csrf-token", session.csrf.mint()]]);
}

/** `DELETE /qps/user` (facts §10.1). */
function endSession(
  { session, request, query }: Exchange,
  sessions: SessionStore,
  cookieName: string,
): Answer {
  const wrong = refuseXrf(request, query);
  if (wrong !== undefined) return wrong;
  if (session === undefined) return unauthorizedAnswer();
  sessions.end(session, "logout");
  return emptyAnswer(200, [expiredCookie(cookieName)]);
}

/** Comes after the client's first frame: facts §10.2; its form: facts §5.3. */
function greeting({ subject }: UserSession): string {
  const [userDirectory = "", userId = ""] = subject.split("\\");
  const params = { userId, userDirectory, logoutUri: "/qps/user", mustAuthenticate: false };
  return JSON.stringify({ jsonrpc: "2.0", method: "OnAuthenticationInformation", params });
}

/** Reads a token by the attributes of the virtual proxy; its certificate is that of an identity provider here. */
function personIn(token: string, { clock, identityProviders, virtualProxy }: SenseJwtParts): Person {
  const decoded = decodeToken(token);
  const { claims } = decoded;
  const text = (name: string): string => {
    const value = claims[name];
    if (typeof value !== "string" || value === "") throw new TokenRefused(`Missing attribute: ${name}`);
    return value;
  };
  const [first] = identityProviders.list();
  if (first === undefined) throw new TokenRefused("no certificate");
  verifySignature(decoded, first.pem);
  if (Number(claims["exp"]) * 1000 <= clock.now()) throw new TokenRefused("jwt expired");
  const subject = `${text(virtualProxy.userDirectoryAttribute)}\\${text(virtualProxy.userIdAttribute)}`;
  const { name, groups } = claims;
  return {
    subject,
    name: typeof name === "string" ? name : subject,
    groups: Array.isArray(groups) ? groups.map(String) : [],
  };
}
