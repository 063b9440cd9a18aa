import type { IncomingMessage, ServerResponse } from "node:http";
import { SessionProxyError } from "../../errors.ts";
import { firstHeader } from "../../http/raw-headers.ts";
import type { OwnAnswer } from "../../http/own-answer.ts";
import type { Target } from "../../http/target.ts";
import type { Identity } from "../../identity/identity.ts";
import type { SignInSource } from "../../identity/sign-in-source.ts";
import type { ProxySession } from "../../session/proxy-session.ts";
import type { SessionManager } from "../../session/session-manager.ts";
import { sendAnswer, writeHead } from "../http/host-response.ts";
import { jsonAnswer, logoutForm } from "./own-pages.ts";
import { checkOwnMethod, doesSomething, type OwnRoute, type OwnRoutesOffered } from "./own-routes.ts";
import { type LogOut, OwnSignIn } from "./own-sign-in.ts";
import { authModuleAnswer } from "./auth-module.ts";
import type { ProductInfo } from "./product-info.ts";
import { followSession } from "./session-events.ts";
import type { Site } from "../site.ts";

/** What the own routes need. */
export interface OwnAnswersOptions {
  readonly sessions: SessionManager;
  readonly site: Site;
  readonly allowedOrigins: ReadonlySet<string>;
  readonly prefix: string;
  /** All own routes that there are. */
  readonly offered: OwnRoutesOffered;
  readonly productInfo: ProductInfo;
  readonly now: () => number;
  /** Milliseconds before an end at which it is announced. */
  readonly announceBefore: number;
  readonly identify: (request: IncomingMessage) => Identity | null | Promise<Identity | null>;
  readonly logOut: LogOut;
  /** What the identity source is here, where it signs people in itself. */
  readonly signInSource: SignInSource | undefined;
  readonly isDraining: () => boolean;
  readonly socketsOf: (key: string) => number;
}

/** A request to an own route that passed the site guard. */
export interface OwnVisit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly route: OwnRoute;
  readonly target: Target;
  /** Headers for a listed origin, or none. */
  readonly cors: readonly string[];
}

/** Answers the own routes. product B4 */
export class OwnAnswers {
  readonly #options: OwnAnswersOptions;
  readonly #ownSignIn: OwnSignIn;

  constructor(options: OwnAnswersOptions) {
    this.#options = options;
    this.#ownSignIn = new OwnSignIn(options);
  }

  /** @throws SessionProxyError */
  async answer(visit: OwnVisit): Promise<void> {
    const { request, response, cors, route } = visit;
    const method = request.method ?? "GET";
    checkOwnMethod(route, method);
    switch (route.name) {
      case "session":
        if (method === "DELETE") return sendAnswer(response, await this.#logout(request), cors);
        return sendAnswer(response, await this.#status(request), cors);
      case "events":
        return this.#events(visit);
      case "auth-module":
        return sendAnswer(response, authModuleAnswer(request, this.#options.site), cors);
      case "product-info":
        return sendAnswer(response, await this.#options.productInfo.answer(), cors);
      case "login":
        return sendAnswer(response, await this.#login(visit), cors);
      case "logout":
        return sendAnswer(response, await this.#logoutPage(request), cors);
      case "sign-in":
        return sendAnswer(response, await this.#ownSignIn.answer(route, request, visit.target.query), cors);
    }
  }

  /** Neither logs in nor extends. product B4 */
  async #status(request: IncomingMessage): Promise<OwnAnswer> {
    const { sessions, now, socketsOf } = this.#options;
    let identity: Identity | null;
    try {
      identity = await this.#options.identify(request);
    } catch (cause) {
      const reason = cause instanceof SessionProxyError ? cause.reason : undefined;
      throw new SessionProxyError("QSP-IDENTITY", {
        status: 503,
        cause,
        ...(reason === undefined ? {} : { reason }),
      });
    }
    const session = identity && (await sessions.look(identity));
    const ends = session && sessions.endsAt(session);
    const seconds = (at: number): number => Math.max(0, Math.ceil((at - now()) / 1000));
    return jsonAnswer(200, {
      authenticated: identity !== null,
      active: Boolean(session),
      subject: identity?.subject ?? null,
      name: identity?.name ?? null,
      expiresIn: ends ? seconds(ends.expiry) : 0,
      idleIn: ends ? seconds(ends.idle) : 0,
      sockets: session ? socketsOf(session.key) : 0,
    });
  }

  async #logout(request: IncomingMessage): Promise<OwnAnswer> {
    return this.#forgetting(request, await this.#ownSignIn.end(request));
  }

  /**
   * On a host of our own the browser may drop what it keeps: nothing of the app is among it. It is one for who comes from
   * another origin, and, where everything of the host is the proxy's, for its own pages. rules R7
   */
  #forgetting(request: IncomingMessage, answer: OwnAnswer): OwnAnswer {
    const { site, prefix } = this.#options;
    const isOwnHost = site.corsOriginFor(request) !== undefined || (prefix === "" && site.hasSibling);
    if (!isOwnHost) return answer;
    return { ...answer, headers: [...answer.headers, "clear-site-data", '"cache"'] };
  }

  async #events({ request, response, cors }: OwnVisit): Promise<void> {
    const { sessions, now, announceBefore, isDraining } = this.#options;
    const identity = await this.#options.identify(request);
    if (!identity) throw new SessionProxyError("QSP-UNAUTHENTICATED");
    const look = (): Promise<unknown> => sessions.look(identity);
    await look();
    writeHead(response, 200, [
      "content-type",
      "text/event-stream",
      "cache-control",
      // A compressing middleware of the host would hold the events back.
      "no-store, no-transform",
      "x-content-type-options",
      "nosniff",
      "cross-origin-resource-policy",
      this.#options.site.resourcePolicy,
      "vary",
      "Origin, Sec-Fetch-Site, Cookie",
      "x-accel-buffering",
      "no",
      ...cors,
    ]);
    const find = (): ProxySession | undefined => sessions.find(identity);
    followSession({ response, find, look, sessions, now, announceBefore, isDraining });
  }

  async #login({ request, target }: OwnVisit): Promise<OwnAnswer> {
    const own = this.#options.site.originFor(request);
    const wanted = new URLSearchParams(target.query).get("returnto");
    const location = wanted === null ? `${own}/` : this.#returnTo(wanted, own);
    if (location === null) throw badReturnTo("is not on the list of origins");
    return this.#ownSignIn.lead(request, location);
  }

  /** Judged by the parser that browsers use, and sent on as it understood it. attacks R1, C7 */
  #returnTo(wanted: string, own: string): string | null {
    const { allowedOrigins, prefix, offered } = this.#options;
    if (!URL.canParse(wanted, own)) return null;
    const url = new URL(wanted, own);
    if (url.username !== "" || url.password !== "") return null;
    if (url.origin === own && doesSomething(url.pathname, prefix, offered))
      throw badReturnTo("leads to an own route that does something");
    const isListed = url.origin === own || allowedOrigins.has(url.origin);
    return isListed && (url.protocol === "https:" || url.protocol === "http:") ? url.href : null;
  }

  async #logoutPage(request: IncomingMessage): Promise<OwnAnswer> {
    const raw = request.rawHeaders;
    const isOwnNavigation =
      firstHeader(raw, "sec-fetch-site") === "same-origin" &&
      firstHeader(raw, "sec-fetch-mode") === "navigate";
    if (request.method !== "POST" && !isOwnNavigation) return logoutForm();
    return this.#forgetting(request, await this.#ownSignIn.endWithPage(request));
  }
}

const badReturnTo = (flaw: string): SessionProxyError =>
  new SessionProxyError("QSP-TARGET", { reason: `returnto ${flaw}` });
