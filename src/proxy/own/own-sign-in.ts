import type { IncomingMessage } from "node:http";
import { SessionProxyError } from "../../errors.ts";
import type { OwnAnswer } from "../../http/own-answer.ts";
import { firstHeader } from "../../http/raw-headers.ts";
import type { Identity } from "../../identity/identity.ts";
import type { SignedOut, SignInSource } from "../../identity/sign-in-source.ts";
import type { SessionManager } from "../../session/session-manager.ts";
import { emptyAnswer, jsonAnswer, loggedOut, onwardPage } from "./own-pages.ts";
import type { OwnRoute } from "./own-routes.ts";

/** Whose sessions a log-out ends, and how. */
export interface LogOut {
  readonly identify: (request: IncomingMessage) => Promise<Identity | null>;
  readonly logout: (identity: Identity) => Promise<void>;
}

/** What signing in and out needs. */
export interface OwnSignInOptions {
  readonly sessions: Pick<SessionManager, "registry">;
  readonly identify: (request: IncomingMessage) => Identity | null | Promise<Identity | null>;
  readonly logOut: LogOut;
  /** What the identity source is here, where it signs people in itself. */
  readonly signInSource: SignInSource | undefined;
}

/** Signs people in and out, with an identity source that does so itself, or for a host application that does. */
export class OwnSignIn {
  readonly #options: OwnSignInOptions;

  constructor(options: OwnSignInOptions) {
    this.#options = options;
  }

  /** Leads to `location` whoever is signed in, and everybody else to where they sign in. @throws SessionProxyError */
  async lead(request: IncomingMessage, location: string): Promise<OwnAnswer> {
    const { signInSource, sessions } = this.#options;
    const identity = await this.#options.identify(request);
    const mayEnter = identity !== null && (!signInSource || (await sessions.registry.admits(identity)));
    if (mayEnter) return emptyAnswer(302, ["location", location]);
    if (!signInSource || !isDocument(request)) throw new SessionProxyError("QSP-UNAUTHENTICATED");
    // Who is signed in and may not enter was locked out since: only a new proof helps. rules R1
    const wish = { returnTo: location, afresh: identity !== null };
    const { to, setCookies } = await signInSource.begin(request, wish);
    return emptyAnswer(302, ["location", to, ...cookieHeaders(setCookies)]);
  }

  /** Logs out without a page. @throws SessionProxyError */
  async end(request: IncomingMessage): Promise<OwnAnswer> {
    const { setCookies } = await this.#end(request);
    return emptyAnswer(204, cookieHeaders(setCookies));
  }

  /** Logs out a person, who sees that it is done, or is sent on to be logged out where they signed in. @throws SessionProxyError */
  async endWithPage(request: IncomingMessage): Promise<OwnAnswer> {
    const { to, setCookies } = await this.#end(request);
    const answer = to === null ? loggedOut() : onwardPage("Signed out of analytics", to);
    return withCookies(answer, setCookies);
  }

  /** Answers a route of the identity source. @throws SessionProxyError */
  async answer({ added }: OwnRoute, request: IncomingMessage, query: string): Promise<OwnAnswer> {
    const { signInSource } = this.#options;
    if (!signInSource || added === undefined) throw new SessionProxyError("QSP-POLICY");
    const given = await signInSource.answer(added, request, query);
    if ("to" in given) return withCookies(onwardPage("One moment", given.to), given.setCookies);
    return given.json ? jsonAnswer(given.status, given.json) : emptyAnswer(given.status);
  }

  /** One that fails does not keep the other from being done. */
  async #end(request: IncomingMessage): Promise<SignedOut> {
    const { logOut, signInSource } = this.#options;
    const identity = await logOut.identify(request);
    const [content, login] = await Promise.allSettled([
      identity === null ? null : logOut.logout(identity),
      signInSource ? signInSource.end(request) : { to: null, setCookies: [] },
    ]);
    if (content.status === "rejected") throw content.reason;
    if (login.status === "rejected") throw login.reason;
    return login.value;
  }
}

/** A page in a tab: nobody signs in inside a frame, and a fetch is never redirected. product B6 */
const isDocument = ({ method, rawHeaders }: IncomingMessage): boolean =>
  method === "GET" &&
  firstHeader(rawHeaders, "sec-fetch-mode") === "navigate" &&
  firstHeader(rawHeaders, "sec-fetch-dest") === "document";

const withCookies = (answer: OwnAnswer, setCookies: readonly string[]): OwnAnswer => ({
  ...answer,
  headers: [...answer.headers, ...cookieHeaders(setCookies)],
});

/** Each in a header of its own. */
export const cookieHeaders = (setCookies: readonly string[]): readonly string[] =>
  setCookies.flatMap((value) => ["set-cookie", value]);
