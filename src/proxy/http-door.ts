import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { SessionProxyError } from "../errors.ts";
import { errorAnswer } from "../http/own-answer.ts";
import { firstHeader } from "../http/raw-headers.ts";
import { publish } from "../kernel/channels.ts";
import { traceId as newTraceId } from "../kernel/random.ts";
import { needsIdentity } from "../policy/rule.ts";
import { shownKey, type ProxySession } from "../session/proxy-session.ts";
import { unclaimed, type Admission, type OwnPlace, type Place, type TenantPlace } from "./admission.ts";
import { answerRules } from "./answer-rules.ts";
import type { ClientAddress } from "./client-address.ts";
import { exchange, type ExchangeContext } from "./exchange.ts";
import { sendAnswer } from "./host-response.ts";
import { toInternalError } from "./internal-error.ts";
import type { OwnAnswers } from "./own-answers.ts";
import { emptyAnswer } from "./own-pages.ts";
import type { ResolvedOptions } from "../options/resolved-options.ts";
import { checkPrepared, prepareRequest, type PreparedRequest } from "./rewrite-request.ts";
import { corsHeaders } from "./rewrite-response.ts";
import type { Site } from "./site.ts";
import { type ExchangeSpan, type Tracing, withTrace } from "./tracing.ts";
import { destroyResponse, followConnection } from "./waiting-response.ts";

/** What every request of one proxy shares. */
export interface HttpDoorContext extends ExchangeContext {
  readonly options: ResolvedOptions;
  readonly admission: Admission;
  readonly site: Site;
  readonly clientAddress: ClientAddress;
  readonly ownAnswers: OwnAnswers;
  readonly tracing: Tracing;
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

/** Headers that a listed origin may send, and the methods it may use. facts §8 */
const preflightHeaders = [
  "access-control-allow-methods",
  "GET, HEAD, POST, PUT, PATCH, DELETE",
  "access-control-allow-headers",
  "content-type, user-agent, qlik-csrf-token, qlik-web-integration-id, qlik-api-version, x-qlik-overrides, range, if-match, if-none-match, tus-resumable, upload-length, upload-metadata, upload-offset",
  "access-control-max-age",
  "600",
  "vary",
  "Origin, Access-Control-Request-Method",
] as const;

const unheard = (): void => {};

/** Takes requests from the browser's word to the browser's answer. */
export class HttpDoor {
  readonly #context: HttpDoorContext;

  constructor(context: HttpDoorContext) {
    this.#context = context;
  }

  /** Answers the request, or hands it on where it is not ours. Never throws and never rejects. */
  handle(request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void {
    const { admission, enter, isDraining, now, tracing } = this.#context;
    const startedAt = now();
    let place: Place | SessionProxyError;
    try {
      place = admission.locate(request, false);
    } catch (error) {
      place = toInternalError(error);
    }
    if (!(place instanceof SessionProxyError) && place.kind === "elsewhere") {
      if (next) return next();
      place = unclaimed(request, this.#context.options, place.verdict);
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
    const visit = { request, response, place, startedAt, traceId, span };
    if (span === null) void this.#take(visit);
    else span.run(() => void this.#take(visit));
  }

  async #take(visit: Visit): Promise<void> {
    const { request, response, traceId } = visit;
    try {
      let outcome: Outcome;
      try {
        outcome = await this.#serve(visit);
      } catch (error) {
        outcome = this.#fail(request, response, toInternalError(error), traceId);
      }
      this.#tell(visit, outcome);
    } catch {
      destroyResponse(response);
    }
  }

  /** A promise only where something has to be waited for. */
  #serve(visit: Visit): Outcome | Promise<Outcome> {
    const { request, response, place, startedAt } = visit;
    if (place instanceof SessionProxyError) throw place;
    if (place.kind === "elsewhere") throw new SessionProxyError("QSP-POLICY");
    const { admission, signIn } = this.#context;
    if (admission.guard(request, place, false) === "preflight") {
      sendAnswer(response, emptyAnswer(204, preflightHeaders), this.#corsFor(request));
      return { status: 204 };
    }
    const isProductInfo = place.kind === "own" && place.route.name === "product-info";
    if (this.#context.isClosed() && !isProductInfo)
      throw new SessionProxyError("QSP-BUSY", { retryAfter: 0 });
    if (place.kind === "own") return this.#answerOwn(visit, place);
    const signedIn = needsIdentity(place.routeClass) ? signIn(request, startedAt) : null;
    return signedIn instanceof Promise
      ? signedIn.then((session) => this.#exchange(visit, place, session))
      : this.#exchange(visit, place, signedIn);
  }

  async #answerOwn({ request, response }: Visit, { route, target }: OwnPlace): Promise<Outcome> {
    await this.#context.ownAnswers.answer({ request, response, route, target, cors: this.#corsFor(request) });
    return { status: response.statusCode };
  }

  #corsFor(request: IncomingMessage): readonly string[] {
    const origin = this.#context.site.corsOriginFor(request);
    return origin === undefined ? [] : corsHeaders(origin);
  }

  #exchange(
    { request, response, startedAt, span }: Visit,
    place: TenantPlace,
    session: ProxySession | null,
  ): Outcome | Promise<Outcome> {
    const { options, site, limits, clientAddress, sessions, now } = this.#context;
    if (session) sessions.touch(session);
    // Only who waited for a login sees one in the timing.
    const loginMs = session && session.createdAt >= startedAt ? now() - startedAt : 0;
    const tagSuffix = session === null ? null : site.tagSuffix(site.baseFor(request), session.key);
    const prepared = prepareRequest(
      { method: request.method ?? "GET", headers: request.rawHeaders, target: place.target },
      { identityHeaders: options.identityHeaders, tagSuffix, clientAddress: clientAddress(request) },
    );
    checkPrepared(prepared, place.routeClass, limits);
    if (prepared.conditionFails) {
      sendAnswer(response, emptyAnswer(412), this.#corsFor(request));
      return { status: 412, session };
    }
    return exchange(this.#context, {
      request,
      response,
      prepared: withTrace(prepared, span),
      body: bodyReadByHost(request, prepared),
      startedAt,
      loginMs,
      session,
      rules: answerRules(this.#context, { request, prepared, routeClass: place.routeClass, tagSuffix }),
    });
  }

  #fail(
    request: IncomingMessage,
    response: ServerResponse,
    error: SessionProxyError,
    traceId: string,
  ): Outcome {
    const navigation = firstHeader(request.rawHeaders, "sec-fetch-mode") === "navigate";
    // What follows on this connection is the rest of a body, or as doubtful as what came.
    const ends = error.code === "QSP-TOO-LARGE" || error.code === "QSP-TARGET";
    if (ends && !response.headersSent) response.shouldKeepAlive = false;
    const gone = response.destroyed;
    sendAnswer(response, errorAnswer(error, { navigation, traceId }), this.#corsFor(request));
    return {
      status: gone ? 499 : error.status,
      code: error.code,
      ...(error.reason === undefined ? {} : { reason: error.reason }),
      ...(error.fault === "client" || gone
        ? {}
        : { level: error.code === "QSP-INTERNAL" ? "error" : "warn" }),
    };
  }

  #tell({ request, place, traceId, startedAt, span }: Visit, outcome: Outcome): void {
    const { session, status, bytes, upstreamMs, code, reason, level } = outcome;
    span?.end({ status, code });
    publish("exchange", () => ({
      event: "exchange.finished",
      traceId,
      tenant: this.#context.options.tenant.origin,
      route: routeOf(place),
      method: request.method ?? "GET",
      ms: this.#context.now() - startedAt,
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
