import type { IncomingMessage } from "node:http";
import { SessionProxyError } from "../../errors.ts";
import { knownNames } from "../../http/header-name.ts";
import type { RawHeaders } from "../../http/raw-headers.ts";
import { publish } from "../../kernel/channels.ts";
import { createMemo } from "../../kernel/memo.ts";
import { traceId as newTraceId } from "../../kernel/random.ts";
import type { ResolvedOptions } from "../../options/resolved-options.ts";
import { needsIdentity } from "../../policy/rule.ts";
import { mayFinish, type ProxySession, shownKey } from "../../session/proxy-session.ts";
import type { SessionManager } from "../../session/session-manager.ts";
import { cookieFor } from "../../session/tenant-session.ts";
import { type Admission, type TenantPlace, unclaimed } from "../admission.ts";
import { needsCsrfToken, prepareRequest } from "../http/rewrite-request.ts";
import { toInternalError } from "../internal-error.ts";
import { asksForCsrfToken } from "../own/csrf-token.ts";
import { type EdgeQuestion, toRequest } from "./edge-request.ts";

/** What an edge is told of a request. */
export type EdgeVerdict = EdgePass | EdgeRefusal;

/** It may go to the tenant, with these and with nothing of that kind that the browser sent. */
export interface EdgePass {
  readonly passes: true;
  /** Path and query at the tenant. */
  readonly upstreamUri: string;
  /** Value of `Cookie`; "" for what needs no identity. */
  readonly cookie: string;
  /** Value of `qlik-csrf-token`; "" for what changes nothing. */
  readonly csrfToken: string;
}

/** It may not, or not this way. */
export interface EdgeRefusal {
  readonly passes: false;
  readonly error: SessionProxyError;
  /** 32 hex digits that are in the log too. */
  readonly traceId: string;
}

/** What every verdict of one proxy shares. */
export interface EdgeDoorContext {
  readonly options: ResolvedOptions;
  readonly admission: Admission;
  readonly sessions: SessionManager;
  readonly now: () => number;
  readonly isClosed: () => boolean;
  /** One more exchange; the returned function ends it. */
  readonly enter: () => () => void;
  /** The session of whoever the host says this is. @throws SessionProxyError */
  readonly signIn: (request: IncomingMessage, at: number) => ProxySession | Promise<ProxySession>;
}

/** A request of which is asked, and how far it has come. */
interface Asked {
  readonly request: IncomingMessage;
  readonly question: EdgeQuestion;
  readonly startedAt: number;
  place: TenantPlace | null;
  session: ProxySession | null;
}

/** Takes the requests of an edge through the door that all others come by, and hands out what they need behind it. product C1 */
export class EdgeDoor {
  #context: EdgeDoorContext;

  constructor(context: EdgeDoorContext) {
    this.#context = context;
  }

  /** From now on verdicts go by these rules. */
  use(context: EdgeDoorContext): void {
    this.#context = context;
  }

  /** Says what becomes of a request that an edge has. Never rejects. */
  async judge(question: EdgeQuestion): Promise<EdgeVerdict> {
    const context = this.#context;
    const { enter, now, options } = context;
    const encrypted = options.publicOrigin?.startsWith("https:") ?? false;
    const leave = enter();
    const request = toRequest(question, encrypted);
    const asked: Asked = { request, question, startedAt: now(), place: null, session: null };
    const traceId = newTraceId();
    try {
      const verdict = await admit(context, asked);
      tell(context, asked, { traceId });
      return verdict;
    } catch (thrown) {
      const error = toInternalError(thrown);
      tell(context, asked, { traceId, error });
      return { passes: false, error, traceId };
    } finally {
      leave();
    }
  }
}

/** In the order of the one door. */
async function admit(context: EdgeDoorContext, asked: Asked): Promise<EdgePass> {
  const { admission, options, isClosed, signIn } = context;
  const { request, question, startedAt } = asked;
  // A socket has to be closed at a log-out, which only the proxy itself can do.
  if (asksForSocket(request.rawHeaders)) throw elsewhere("an upgrade");
  const place = admission.locate(request, false);
  if (place.kind === "elsewhere") throw unclaimed(request, options, place.verdict);
  if (place.kind === "own") throw elsewhere("a route of the proxy's own");
  asked.place = place;
  if (admission.guard(request, place, false) === "preflight") throw elsewhere("a preflight");
  if (isClosed()) throw new SessionProxyError("QSP-BUSY", { retryAfter: 0 });
  const method = request.method ?? "GET";
  if (place.routeClass === "page") throw elsewhere("a page");
  if (asksForCsrfToken(method, place.target.path)) throw elsewhere("a CSRF token");
  const { target: upstreamUri } = prepareRequest(
    { method, headers: [], target: place.target },
    {
      backend: options.tenant.backend,
      identityHeaders: options.identityHeaders,
      tagSuffix: null,
      clientAddress: null,
    },
  );
  if (question.keepsTarget && question.target !== options.prefix + upstreamUri)
    throw new SessionProxyError("QSP-TARGET", {
      reason: "a parameter that the proxy owns, and this edge would send on",
    });
  if (!needsIdentity(place.routeClass)) return { passes: true, upstreamUri, cookie: "", csrfToken: "" };
  const session = await signIn(request, startedAt);
  asked.session = session;
  return { passes: true, upstreamUri, ...(await credentialsOf(context, session, { method, place })) };
}

/** What a session sends with such a request. @throws SessionProxyError where it has ended meanwhile */
async function credentialsOf(
  { sessions, now }: EdgeDoorContext,
  session: ProxySession,
  { method, place }: { readonly method: string; readonly place: TenantPlace },
): Promise<Pick<EdgePass, "cookie" | "csrfToken">> {
  sessions.touch(session);
  const generation = session.current;
  const csrfToken = needsCsrfToken(method) ? await sessions.tenant.csrfToken(session.key, generation) : "";
  if (session.ended !== null && !mayFinish(session.ended)) throw new SessionProxyError("QSP-UNAUTHENTICATED");
  return { cookie: cookieFor(generation, place.target.path, now()), csrfToken };
}

/** The refusal of what the proxy itself has to answer. */
const elsewhere = (what: string): SessionProxyError =>
  new SessionProxyError("QSP-POLICY", { reason: `${what}: the edge has to send it to the proxy itself` });

/** Any sign of a handshake: edges leave away some of them, each another. */
function asksForSocket(raw: RawHeaders): boolean {
  for (let index = 0; index < raw.length; index += 2) if (isOfHandshake(raw[index] ?? "")) return true;
  return false;
}

const isOfHandshake = createMemo(knownNames, (name) => {
  const lower = name.toLowerCase();
  return lower === "upgrade" || lower.startsWith("sec-websocket-");
});

function tell(
  { options, now }: EdgeDoorContext,
  { request, startedAt, place, session }: Asked,
  { traceId, error }: { readonly traceId: string; readonly error?: SessionProxyError },
): void {
  publish("exchange", () => ({
    event: "edge.decided",
    traceId,
    tenant: options.tenant.origin,
    route: place?.routeClass ?? "denied",
    method: request.method ?? "GET",
    ms: now() - startedAt,
    status: error?.status ?? 200,
    session: session ? shownKey(session) : undefined,
    subjectHash: session?.subjectHash,
    code: error?.code,
    reason: error?.reason,
    level: levelOf(error),
  }));
}

function levelOf(error: SessionProxyError | undefined): "info" | "warn" | "error" {
  if (error === undefined || error.fault === "client") return "info";
  return error.code === "QSP-INTERNAL" ? "error" : "warn";
}
