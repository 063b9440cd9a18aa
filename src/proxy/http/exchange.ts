import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { SessionProxyError } from "../../errors.ts";
import { firstHeader, headerValues } from "../../http/raw-headers.ts";
import { publish } from "../../kernel/channels.ts";
import { mayFinish, type EndReason, type ProxySession } from "../../session/proxy-session.ts";
import type { SessionManager } from "../../session/session-manager.ts";
import { cookieFor, type TenantSession } from "../../session/tenant-session.ts";
import { refusesCsrf } from "../../tenant/csrf.ts";
import { linkMembers } from "../../tenant/links.ts";
import { Attempt, type AnswerHead, type AnswerTarget, type HeldAnswer } from "./attempt.ts";
import { createBodyRewrite } from "./body-rewrite.ts";
import { decodeSmallBody } from "./decode-body.ts";
import type { OwnWord } from "./own-word.ts";
import { RequestBody } from "./request-body.ts";
import { ResponseSink } from "./response-sink.ts";
import { needsCsrfToken, withCredentials, type PreparedRequest } from "./rewrite-request.ts";
import { prepareResponse, type ResponseRules } from "./rewrite-response.ts";
import { staticLane, type Upstream } from "../../upstream/upstream.ts";
import { isBrokenConnection } from "../../upstream/upstream-error.ts";

/** What every exchange of one proxy shares. */
export interface ExchangeContext {
  readonly upstream: Upstream;
  readonly sessions: SessionManager;
  readonly ownWord: OwnWord;
  readonly now: () => number;
  readonly limits: { readonly requestBody: number; readonly replayBody: number };
  /** Milliseconds without progress in a body, from or to either side. */
  readonly bodyIdle: number;
}

/** One request that was let in. */
export interface ExchangeRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly prepared: PreparedRequest;
  /** What is left of the body that the host has read already; null where it has not. */
  readonly body: Readable | null;
  readonly startedAt: number;
  /** Milliseconds that the request waited for a login; 0 where the session was there. */
  readonly loginMs: number;
  /** Null for static files, which need no identity. */
  readonly session: ProxySession | null;
  readonly rules: ResponseRules;
}

/** How an exchange went, for logs and metrics. */
export interface ExchangeReport {
  readonly session: ProxySession | null;
  readonly status: number;
  readonly bytes: number;
  /** Milliseconds from sending the request to the head of the answer. */
  readonly upstreamMs: number;
  readonly replays: number;
}

/** Replays after an auth loss, a CSRF refusal and a broken connection: each at most once. rules R5 */
type Cause = "authLoss" | "csrf" | "broken";

/** On whose behalf an attempt is made, and with what. */
interface Sender {
  readonly session: ProxySession;
  readonly generation: TenantSession;
  readonly csrfToken: string | null;
}

/**
 * Sends one request to the tenant and its answer to the browser; sends it again where the session was lost.
 *
 * @throws SessionProxyError where nothing has been answered yet
 */
export function exchange(context: ExchangeContext, visit: ExchangeRequest): Promise<ExchangeReport> {
  return new Exchange(context, visit).run();
}

class Exchange implements AnswerTarget {
  readonly #context: ExchangeContext;
  readonly #visit: ExchangeRequest;
  readonly #sink: ResponseSink;
  readonly #body: RequestBody | null;
  /** What the request was sent again for. */
  readonly #spent: Record<Cause, boolean> = { authLoss: false, csrf: false, broken: false };
  #replays = 0;
  #attempt: Attempt | null = null;
  #sender: Sender | null = null;
  #sentAt = 0;
  #brokenOff: SessionProxyError | null = null;
  #status = 0;
  #upstreamMs = 0;

  constructor(context: ExchangeContext, visit: ExchangeRequest) {
    this.#context = context;
    this.#visit = visit;
    this.#sink = new ResponseSink(visit.response, context.bodyIdle);
    this.#body = visit.prepared.hasBody
      ? new RequestBody(visit.body ?? visit.request, {
          replay: context.limits.replayBody,
          total: context.limits.requestBody,
          idle: context.bodyIdle,
        })
      : null;
  }

  async run(): Promise<ExchangeReport> {
    const { session, response } = this.#visit;
    const leave = (): void => {
      // The usual end comes here too.
      if (this.#attempt?.isOver === false) this.#attempt.abort(clientGone());
    };
    const ended = (reason: EndReason): void => {
      if (!mayFinish(reason)) this.#breakOff(new SessionProxyError("QSP-UNAUTHENTICATED"));
    };
    const enough = session && this.#context.sessions.enter(session);
    response.on("close", leave);
    session?.onEnd.add(ended);
    // It may have ended between being handed out and being listened to; nobody tells of that any more.
    if (session?.ended) ended(session.ended);
    try {
      if (session === null) await this.#sendStatic();
      else await this.#sendFor(session);
    } catch (error) {
      if (this.#sink.begun) this.#sink.cut();
      else {
        this.#closeIfUnread();
        throw error;
      }
    } finally {
      response.off("close", leave);
      session?.onEnd.delete(ended);
      enough?.();
      if (this.#replays > 0) this.#tellReplay();
    }
    const flushed = this.#sink.flushed();
    if (flushed) await flushed;
    return {
      session,
      status: this.#status,
      bytes: this.#sink.bytes,
      upstreamMs: this.#upstreamMs,
      replays: this.#replays,
    };
  }

  async #sendStatic(): Promise<void> {
    for (;;) {
      const held = await this.#send(staticLane, this.#visit.prepared.headers, null).catch(this.#ifBroken);
      if (held === "finished") return;
      if (held !== "broken") throw new SessionProxyError("QSP-UPSTREAM");
    }
  }

  async #sendFor(session: ProxySession): Promise<void> {
    const { sessions } = this.#context;
    let generation = session.current;
    for (;;) {
      const release = sessions.generations.hold(session, generation);
      try {
        const outcome = await this.#sendOn(session, generation).catch(this.#ifBroken);
        if (outcome === "finished") return;
        if (outcome === "broken") generation = session.current;
        else {
          const next = await this.#afterRefusal(session, generation, outcome);
          if (next === "finished") return;
          generation = next;
        }
      } finally {
        release();
      }
    }
  }

  /** One attempt on a generation. */
  #sendOn(session: ProxySession, generation: TenantSession): Promise<"finished" | HeldAnswer> {
    const isGuarded = generation.backend.csrf?.inRequests ?? false;
    const csrfToken =
      isGuarded && needsCsrfToken(this.#visit.prepared.method)
        ? this.#context.sessions.tenant.csrfToken(session.key, generation)
        : null;
    return csrfToken instanceof Promise
      ? csrfToken.then((token) => this.#sendWith({ session, generation, csrfToken: token }))
      : this.#sendWith({ session, generation, csrfToken });
  }

  #sendWith(sender: Sender): Promise<"finished" | HeldAnswer> {
    const { session, generation, csrfToken } = sender;
    const { prepared } = this.#visit;
    const cookie = cookieFor(generation, prepared.path, this.#context.now());
    const shown = generation.backend.headersOf(generation);
    const headers = withCredentials(prepared.headers, { cookie, csrfToken, shown });
    return this.#send(session.key, headers, sender);
  }

  /** What to do with an answer that was held back: "finished", or the generation to try next. */
  #afterRefusal(
    session: ProxySession,
    generation: TenantSession,
    held: HeldAnswer,
  ): Promise<"finished" | TenantSession> {
    return held.status === 403
      ? this.#afterCsrfRefusal(session, generation, held)
      : this.#afterAuthLoss(session, generation, held);
  }

  /** Takes the cookies of an answer, and decides whether the browser may see it at once. */
  receive(answer: AnswerHead): "hold" | "forward" {
    this.#upstreamMs = this.#context.now() - this.#sentAt;
    return this.#sender !== null && this.#holdsBack(this.#sender, answer) ? "hold" : "forward";
  }

  #holdsBack({ session, generation, csrfToken }: Sender, answer: AnswerHead): boolean {
    const { ownWord, sessions } = this.#context;
    const authLoss = generation.backend.isAuthLoss(answer);
    const setCookies = headerValues(answer.headers, "set-cookie");
    sessions.absorb(session, generation, { status: answer.status, setCookies, authLoss });
    if (authLoss) {
      return !this.#spent.authLoss && !ownWord.isKnown(session.key, this.#visit.prepared, answer.status);
    }
    return answer.status === 403 && csrfToken !== null && !this.#spent.csrf && isJson(answer);
  }

  async #afterAuthLoss(
    session: ProxySession,
    generation: TenantSession,
    held: HeldAnswer,
  ): Promise<"finished" | TenantSession> {
    const { sessions, ownWord } = this.#context;
    const next = await held.orDrop(sessions.generations.afterAuthLoss(session, generation));
    if (next === "own-word") ownWord.learn(session.key, this.#visit.prepared, held.status);
    if (typeof next === "object" && this.#mayReplay()) {
      if (next.isFresh) this.#spend("authLoss");
      held.drop();
      return next.generation;
    }
    await held.pass();
    return "finished";
  }

  async #afterCsrfRefusal(
    session: ProxySession,
    generation: TenantSession,
    held: HeldAnswer,
  ): Promise<"finished" | TenantSession> {
    const token = this.#sender?.csrfToken ?? "";
    const body = await held.read();
    const refused = body !== null && refusesCsrf(await decodeSmallBody(body, held.headers));
    if (refused && this.#mayReplay()) {
      this.#spend("csrf");
      held.drop();
      await this.#context.sessions.tenant.csrfToken(session.key, generation, token);
      return generation;
    }
    await held.pass();
    return "finished";
  }

  /** Told apart from the exchange, which may end in an error that knows nothing of it. */
  #tellReplay(): void {
    const status = this.#status;
    const outcome = status === 0 ? "failed" : status === 401 || status === 403 ? "refused" : "succeeded";
    const tenant = this.#context.sessions.tenant.origin;
    publish("exchange", () => ({ event: "exchange.replayed", level: "debug", tenant, outcome }));
  }

  #breakOff(reason: SessionProxyError): void {
    this.#brokenOff = reason;
    this.#attempt?.abort(reason);
  }

  #spend(cause: Cause): void {
    if (!this.#spent[cause]) this.#replays += 1;
    this.#spent[cause] = true;
  }

  #mayReplay(): boolean {
    return this.#body === null || this.#body.replayable;
  }

  /** Sends the request once. */
  #send(lane: string, headers: readonly string[], sender: Sender | null): Promise<"finished" | HeldAnswer> {
    const { prepared, response } = this.#visit;
    // Whatever was waited for until here, a log-out or a browser that left meanwhile has the last word.
    if (this.#brokenOff) return Promise.reject(this.#brokenOff);
    if (response.destroyed) return Promise.reject(clientGone());
    this.#sentAt = this.#context.now();
    this.#sender = sender;
    const attempt = new Attempt(this);
    this.#attempt = attempt;
    this.#context.upstream.dispatch(
      lane,
      {
        method: prepared.method,
        path: prepared.target,
        headers,
        body: this.#body?.stream() ?? null,
        contentLength: prepared.contentLength,
      },
      attempt,
    );
    return attempt.outcome;
  }

  /** A connection that broke before any answer is tried again, once, where nothing can happen twice. */
  #ifBroken = (error: unknown): "broken" => {
    const again =
      error instanceof SessionProxyError &&
      isBrokenConnection(error) &&
      !this.#sink.begun &&
      !this.#visit.response.destroyed &&
      !this.#spent.broken &&
      isWithoutEffect(this.#visit.prepared.method) &&
      this.#body === null;
    if (!again) throw error;
    this.#spend("broken");
    return "broken";
  };

  /** Called by the attempt: the head of an answer that the browser sees. */
  begin(answer: AnswerHead): void {
    const { prepared, rules } = this.#visit;
    const head = prepareResponse(answer, { ...rules, serverTiming: this.#timing() });
    this.#closeIfUnread();
    this.#status = head.status;
    const rewrite = head.rewritesBody
      ? createBodyRewrite({
          tenantOrigin: rules.tenantOrigin,
          tenantBase: rules.tenantBase ?? "",
          publicBase: rules.publicBase,
          coding: firstHeader(head.headers, "content-encoding"),
          members: linkMembers(prepared.path),
        })
      : null;
    this.#sink.begin(head.status, head.headers, rewrite);
  }

  /** What the client still sends of its body is not read any more, so the connection cannot be used again. */
  #closeIfUnread(): void {
    if (this.#body && !this.#body.complete) this.#visit.response.shouldKeepAlive = false;
  }

  /** How long the tenant, a login and we ourselves took, in milliseconds. product B8 */
  #timing(): string {
    const { startedAt, loginMs } = this.#visit;
    const own = Math.max(0, this.#context.now() - startedAt - loginMs - this.#upstreamMs);
    const login = loginMs > 0 ? `, login;dur=${loginMs}` : "";
    return `qlik;dur=${this.#upstreamMs}, qsp;dur=${own}${login}`;
  }

  write(chunk: Buffer, resume: () => void): boolean {
    return this.#sink.write(chunk, resume);
  }

  end(): void {
    this.#sink.end();
  }
}

const clientGone = (): SessionProxyError => new SessionProxyError("QSP-UPSTREAM", { reason: "client gone" });

const isWithoutEffect = (method: string): boolean =>
  method === "GET" || method === "HEAD" || method === "OPTIONS";

const isJson = ({ headers }: Pick<HeldAnswer, "headers">): boolean =>
  firstHeader(headers, "content-type")?.toLowerCase().includes("json") ?? false;
