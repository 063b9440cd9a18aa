import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { SessionProxyError } from "../../errors.ts";
import { errorAnswer } from "../../http/own-answer.ts";
import { firstHeader } from "../../http/raw-headers.ts";
import type { SignInSource } from "../../identity/sign-in-source.ts";
import { publish } from "../../kernel/channels.ts";
import { traceId as newTraceId } from "../../kernel/random.ts";
import { needsIdentity } from "../../policy/rule.ts";
import { shownKey, type ProxySession } from "../../session/proxy-session.ts";
import { unclaimed, type Admission, type OwnPlace, type Place, type TenantPlace } from "../admission.ts";
import { answerRules } from "./answer-rules.ts";
import type { ClientAddress } from "../client-address.ts";
import type { Assign } from "../door-contexts.ts";
import { exchange, type ExchangeContext } from "./exchange.ts";
import { sendAnswer } from "./host-response.ts";
import { toInternalError } from "../internal-error.ts";
import { isHttp2 } from "../request-head.ts";
import { overHttp2, toHttp1Head } from "./over-http2.ts";
import type { OwnAnswers } from "../own/own-answers.ts";
import { corsHeaders, preflightHeaders } from "./cors.ts";
import { cookieHeaders } from "../own/own-sign-in.ts";
import { asksForCsrfToken, csrfTokenAnswer } from "../own/csrf-token.ts";
import { emptyAnswer } from "../own/own-pages.ts";
import type { ResolvedOptions } from "../../options/resolved-options.ts";
import { checkPrepared, prepareRequest, type PreparedRequest } from "./rewrite-request.ts";
import type { Site } from "../site.ts";
import { type ExchangeSpan, type Tracing, withTrace } from "../tracing.ts";
import { destroyResponse, followConnection } from "./waiting-response.ts";

/** What every request of one proxy shares. */
export interface HttpDoorContext extends ExchangeContext {
  readonly options: ResolvedOptions;
  readonly admission: Admission;
  readonly site: Site;
  readonly clientAddress: ClientAddress;
  readonly ownAnswers: OwnAnswers;
  /** What the identity source is here, where it signs people in itself. */
  readonly signInSource: SignInSource | undefined;
  readonly tracing: Tracing;
  readonly assign: Assign | undefined;
  readonly isDraining: () => boolean;
  readonly isClosed: () => boolean;
  /** One more exchange; the returned function ends it. */
  readonly enter: () => () => void;
  /**
   * The session of whoever the host says this is; `at` is when the request came. A promise only where something has to be
   * waited for. @throws SessionProxyError
   */
  readonly signIn: (request: IncomingMessage, at: number) => ProxySession | Promise<ProxySession>;
}

/** A request on its way through the door. */
interface Visit {
  /** The rules of when it came, to its end; those of its tenant as soon as that is known. rules R15 */
  context: HttpDoorContext;
  /** Origin of the tenant; undefined as long as nobody knows whose it is. */
  tenant: string | undefined;
  /** Ends the exchange at its tenant, where that had to be found. */
  leave: (() => void) | null;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly place: Place | SessionProxyError;
  readonly startedAt: number;
  readonly traceId: string;
  readonly span: ExchangeSpan | null;
}

/** What is told of an exchange when it is over. */
interface Outcome {
  readonly status: number;
  readonly bytes?: number;
  readonly upstreamMs?: number;
  readonly session?: ProxySession | null;
  readonly code?: string;
  readonly reason?: string;
  readonly level?: "error" | "warn";
}

const unheard = (): void => {};

/** Takes requests from the browser's word to the browser's answer. */
export class HttpDoor {
  #context: HttpDoorContext;

  constructor(context: HttpDoorContext) {
    this.#context = context;
  }

  /** From now on requests are taken by these rules; those under way go on by theirs. */
  use(context: HttpDoorContext): void {
    this.#context = context;
  }

  /** Answers the request, or hands it on where it is not ours. Never throws and never rejects. */
  handle(request: IncomingMessage, given: ServerResponse, next?: (error?: unknown) => void): void {
    const context = this.#context;
    const { admission, enter, isDraining, now, tracing } = context;
    const startedAt = now();
    let place: Place | SessionProxyError;
    try {
      place = admission.locate(request, false);
    } catch (error) {
      place = toInternalError(error);
    }
    if (!(place instanceof SessionProxyError) && place.kind === "elsewhere") {
      if (next) return next();
      place = unclaimed(request, context.options, place.verdict);
    }
    let response = given;
    if (isHttp2(request)) {
      place = toHttp1Head(request) ?? place;
      response = overHttp2(request, given, isDraining);
    }
    // The browser left while the host's own middlewares ran; nobody has to be asked or signed in.
    if (response.destroyed || isGone(request)) return;
    followConnection(request, response);
    const leave = enter();
    response.once("close", leave);
    // A write to a connection that is gone reports here; the exchange hears of it by "close".
    response.on("error", unheard);
    if (isDraining()) response.shouldKeepAlive = false;
    const span = tracing.begin(request, routeOf(place), startedAt);
    const traceId = span === null ? newTraceId() : span.traceId;
    const tenant = context.assign ? undefined : context.options.tenant.origin;
    const visit: Visit = {
      context,
      tenant,
      leave: null,
      request,
      response,
      place,
      startedAt,
      traceId,
      span,
    };
    if (span === null) void this.#take(visit);
    else span.run(() => void this.#take(visit));
  }

  async #take(visit: Visit): Promise<void> {
    const { response } = visit;
    try {
      let outcome: Outcome;
      try {
        outcome = await this.#serve(visit);
      } catch (error) {
        outcome = this.#fail(visit, toInternalError(error));
      }
      this.#tell(visit, outcome);
    } catch {
      destroyResponse(response);
    } finally {
      visit.leave?.();
    }
  }

  /** A promise only where something has to be waited for. */
  #serve(visit: Visit): Outcome | Promise<Outcome> {
    const { context, request, place } = visit;
    const { admission } = context;
    if (place instanceof SessionProxyError) {
      if (place.code === "QSP-POLICY" && admission.isListedPreflight(request)) return answerPreflight(visit);
      throw place;
    }
    if (place.kind === "elsewhere") throw new SessionProxyError("QSP-POLICY");
    if (admission.guard(request, place, false) === "preflight") return answerPreflight(visit);
    const isProductInfo = place.kind === "own" && place.route.name === "product-info";
    if (context.isClosed() && !isProductInfo) throw new SessionProxyError("QSP-BUSY", { retryAfter: 0 });
    // Our own routes have an answer for everybody: what they need to know, they ask.
    const isPublic = place.kind === "own" || !needsIdentity(place.routeClass);
    if (context.assign === undefined) return this.#goOn(visit, place);
    return context.assign(request, isPublic).then(({ doors, enter }) => {
      visit.leave = enter();
      visit.context = doors.http;
      visit.tenant = doors.http.options.tenant.origin;
      visit.span?.sentTo(visit.tenant);
      return this.#goOn(visit, place);
    });
  }

  #goOn(visit: Visit, place: OwnPlace | TenantPlace): Outcome | Promise<Outcome> {
    const { context, request, startedAt } = visit;
    if (place.kind === "own") return this.#answerOwn(visit, place);
    const signedIn = needsIdentity(place.routeClass) ? context.signIn(request, startedAt) : null;
    return signedIn instanceof Promise
      ? signedIn.then((session) => this.#exchange(visit, place, session))
      : this.#exchange(visit, place, signedIn);
  }

  async #answerOwn(visit: Visit, { route, target }: OwnPlace): Promise<Outcome> {
    const { context, request, response } = visit;
    await context.ownAnswers.answer({ request, response, route, target, cors: corsFor(visit) });
    return { status: response.statusCode };
  }

  #exchange(visit: Visit, place: TenantPlace, session: ProxySession | null): Outcome | Promise<Outcome> {
    const { context, request, response, startedAt, span } = visit;
    const { options, site, limits, clientAddress, sessions, now } = context;
    if (session) sessions.touch(session);
    if (asksForCsrfToken(request.method ?? "GET", place.target.path)) {
      sendAnswer(response, csrfTokenAnswer(), corsFor(visit));
      return { status: 204, session };
    }
    // Only who waited for a login sees one in the timing.
    const loginMs = session && session.createdAt >= startedAt ? now() - startedAt : 0;
    const tagSuffix = session === null ? null : site.tagSuffix(site.baseFor(request), session.key);
    const prepared = prepareRequest(
      { method: request.method ?? "GET", headers: request.rawHeaders, target: place.target },
      {
        backend: options.tenant.backend,
        identityHeaders: options.identityHeaders,
        tagSuffix,
        clientAddress: clientAddress(request),
      },
    );
    checkPrepared(prepared, place.routeClass, limits);
    if (prepared.conditionFails) {
      sendAnswer(response, emptyAnswer(412), corsFor(visit));
      return { status: 412, session };
    }
    return exchange(context, {
      request,
      response,
      prepared: withTrace(prepared, span),
      body: bodyReadByHost(request, prepared),
      startedAt,
      loginMs,
      session,
      rules: answerRules(context, { request, prepared, routeClass: place.routeClass, tagSuffix }),
    });
  }

  #fail(visit: Visit, error: SessionProxyError): Outcome {
    const { request, response, traceId } = visit;
    const navigation = firstHeader(request.rawHeaders, "sec-fetch-mode") === "navigate";
    // What follows on this connection is the rest of a body, or as doubtful as what came.
    const ends = error.code === "QSP-TOO-LARGE" || error.code === "QSP-TARGET";
    if (ends && !response.headersSent) response.shouldKeepAlive = false;
    const gone = response.destroyed;
    const isNobody = error.code === "QSP-UNAUTHENTICATED";
    const setCookies = (isNobody ? visit.context.signInSource?.tidy(request) : undefined) ?? [];
    sendAnswer(response, errorAnswer(error, { navigation, traceId }), [
      ...corsFor(visit),
      ...cookieHeaders(setCookies),
    ]);
    return {
      status: gone ? 499 : error.status,
      code: error.code,
      ...(error.reason === undefined ? {} : { reason: error.reason }),
      ...(error.fault === "client" || gone
        ? {}
        : { level: error.code === "QSP-INTERNAL" ? "error" : "warn" }),
    };
  }

  #tell({ context, tenant, request, place, traceId, startedAt, span }: Visit, outcome: Outcome): void {
    const { session, status, bytes, upstreamMs, code, reason, level } = outcome;
    span?.end({ status, code });
    publish("exchange", () => ({
      event: "exchange.finished",
      traceId,
      tenant,
      route: routeOf(place),
      method: request.method ?? "GET",
      ms: context.now() - startedAt,
      upstreamMs,
      status,
      bytes,
      session: session ? shownKey(session) : undefined,
      subjectHash: session?.subjectHash,
      code,
      reason,
      level,
    }));
  }
}

function answerPreflight(visit: Visit): Outcome {
  const mayAuthorize = visit.context.options.identityHeaders.has("authorization");
  sendAnswer(visit.response, emptyAnswer(204, preflightHeaders({ mayAuthorize })), corsFor(visit));
  return { status: 204 };
}

/** The headers for who asks from a listed origin. */
function corsFor({ context, request }: Visit): readonly string[] {
  const origin = context.site.corsOriginFor(request);
  return origin === undefined ? [] : corsHeaders(origin);
}

/** Test harnesses and adapters make requests that have no connection. */
const isGone = ({ socket }: { readonly socket?: { readonly destroyed: boolean } | null }): boolean =>
  socket?.destroyed ?? false;

const routeOf = (place: Place | SessionProxyError): string => {
  if (place instanceof SessionProxyError || place.kind === "elsewhere") return "denied";
  return place.kind === "own" ? "own" : place.routeClass;
};

/**
 * The body where a parser of the host was faster: its raw bytes if the host kept them. A body that was parsed and is
 * written anew would be another body, and so would one that the parser unpacked. attacks B3
 */
function bodyReadByHost(
  request: IncomingMessage,
  { hasBody, contentLength }: Pick<PreparedRequest, "hasBody" | "contentLength">,
): Readable | null {
  // What a host decodes comes as text, which is other bytes than were sent.
  const isUntouched = !request.readableDidRead && request.readableEncoding === null;
  if (!hasBody || isUntouched) return null;
  const { rawBody } = request as IncomingMessage & { readonly rawBody?: unknown };
  const isPacked = firstHeader(request.rawHeaders, "content-encoding") !== undefined;
  const isAsSent =
    Buffer.isBuffer(rawBody) && (contentLength === undefined ? !isPacked : rawBody.length === contentLength);
  if (isAsSent) return Readable.from([rawBody], { objectMode: false });
  throw new SessionProxyError("QSP-BODY-CONSUMED", {
    reason:
      "mount the proxy before whatever reads or decodes the body, or let that keep `request.rawBody` as it was sent",
  });
}
