import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { safeMethods } from "./access/access.ts";
import {
  emptyAnswer,
  jsonAnswer,
  notFoundAnswer,
  redirectAnswer,
  statusAnswer,
  throttledAnswer,
  unauthorizedAnswer,
  type Answer,
  type HeaderLine,
} from "./answer.ts";
import type { Connections } from "./connections.ts";
import { loadBalancerCookies } from "./cookies.ts";
import type { Exchange } from "./exchange.ts";
import { corsHeaders, judgeOrigin, preflightHeaders, type OriginVerdict } from "./origin-rules.ts";
import type { OpenRecording } from "./recordings.ts";
import type { Route, Router, RouteMatch } from "./router.ts";
import type { Behaviour, Fault } from "./script.ts";
import { sendAnswer, type BodyLimit } from "./send-answer.ts";
import type { UserSession } from "./sessions.ts";
import type { Tenant } from "./local-tenant.ts";

/** Files are for every origin; for the rest, the web integrations decide. */
function corsFor(verdict: OriginVerdict, found: RouteMatch): readonly HeaderLine[] {
  const isFile = found.kind === "route" && found.route.access === "static";
  return isFile ? [["Access-Control-Allow-Origin", "*"]] : corsHeaders(verdict);
}

/** Splits a request target; an absolute form counts by its path. */
export function parseRequestTarget(target: string): {
  readonly path: string;
  readonly query: URLSearchParams;
} {
  const [path = "", ...query] = target.replace(/^https?:\/\/[^/?]*/i, "").split("?");
  return { path, query: new URLSearchParams(query.join("?")) };
}

/** Makes the answer of a queued behaviour. */
export function scriptedAnswer(behaviour: Behaviour): Answer {
  const { status, headers = [], body } = behaviour;
  if (body === undefined) return { status, headers };
  return typeof body === "string" ? { status, headers, body } : jsonAnswer(status, body, headers);
}

function loginRedirect(exchange: Exchange): Answer {
  const { tenant, request } = exchange;
  const returnTo = encodeURIComponent(`${tenant.origin}${request.url ?? "/"}`);
  return redirectAnswer(`${tenant.address}/login?returnto=${returnTo}`);
}

function throttle(exchange: Exchange, route: Route): Answer | undefined {
  const { tenant, request, session } = exchange;
  const wait = tenant.rateLimiter.count({
    who: session?.subject ?? `peer ${request.socket.remoteAddress}`,
    // Which path is in which tier is published page by page; writes and logins are mostly tier 2 (facts §7).
    tier: safeMethods.has(request.method ?? "") ? 1 : 2,
    ...(route.perMinute === undefined
      ? {}
      : { special: { name: route.pattern, perMinute: route.perMinute } }),
  });
  return wait === undefined ? undefined : throttledAnswer(wait);
}

/** Refuses what may not pass; order: Origin, rate, session, CSRF. */
function refusal(exchange: Exchange, route: Route, verdict: OriginVerdict): Answer | undefined {
  const { tenant, session } = exchange;
  const needsOrigin = route.access !== "static" && route.access !== "page";
  if (needsOrigin && verdict.kind === "foreign" && tenant.modes.foreignOrigin === "refuse")
    return statusAnswer(403, "Forbidden", "Origin has not been granted access");
  const throttled = throttle(exchange, route);
  if (throttled !== undefined) return throttled;
  if (route.access === "static" || route.access === "open") return undefined;
  if (session === undefined) return route.access === "page" ? loginRedirect(exchange) : unauthorizedAnswer();
  const wrong = tenant.access.refuse({ ...exchange, session });
  if (wrong !== undefined) return wrong;
  if (route.access === "administration" && tenant.modes.administrators === "nobody")
    return statusAnswer(403, "Forbidden");
  return undefined;
}

async function decide(exchange: Exchange, found: RouteMatch, verdict: OriginVerdict): Promise<Answer> {
  const { tenant, request, session } = exchange;
  if (request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined) {
    const headers = preflightHeaders(tenant.webIntegrations, request);
    return headers === undefined ? statusAnswer(403, "Forbidden") : emptyAnswer(204, headers);
  }
  if (found.kind === "none")
    return exchange.path.startsWith("/api/") && session === undefined
      ? unauthorizedAnswer()
      : notFoundAnswer();
  if (found.kind === "method") {
    const answer = statusAnswer(405, "Method not allowed");
    return { ...answer, headers: [...(answer.headers ?? []), ["Allow", found.allowed.join(", ")]] };
  }
  const { route } = found;
  const refused = refusal(exchange, route, verdict);
  if (refused !== undefined) return refused;
  const withParams: Exchange = { ...exchange, params: found.params };
  if (route.access === "static" || route.access === "open") return route.handle(withParams);
  return session === undefined ? unauthorizedAnswer() : route.handle({ ...withParams, session });
}

async function decideOrFail(exchange: Exchange, found: RouteMatch, verdict: OriginVerdict): Promise<Answer> {
  try {
    return await decide(exchange, found, verdict);
  } catch {
    return statusAnswer(500, "Internal server error");
  }
}

/** The cookies that every answer carries: the load balancer's, and those a rotation has made new (facts §2.2). */
export function standingCookies(tenant: Tenant, session: UserSession | undefined): readonly HeaderLine[] {
  return [
    ...(tenant.modes.loadBalancerCookies ? loadBalancerCookies(tenant.clock.now()) : []),
    ...(session === undefined ? [] : tenant.access.newCookies(session)),
  ];
}

interface FaultyAnswer {
  readonly answer: Answer | undefined;
  readonly limit: BodyLimit | undefined;
  /** Nothing is to be sent any more. */
  readonly done: boolean;
}

const unaffected: FaultyAnswer = { answer: undefined, limit: undefined, done: false };

function applyFault(fault: Fault, request: IncomingMessage, connections: Connections): FaultyAnswer {
  const { socket } = request;
  const stop = { ...unaffected, done: true };
  const limit = (afterBytes: number, strike: () => void): FaultyAnswer => ({
    ...unaffected,
    limit: { afterBytes, strike },
  });
  switch (fault.kind) {
    case "status":
      return { ...unaffected, answer: statusAnswer(fault.status, "Injected fault") };
    case "throttle":
      return { ...unaffected, answer: throttledAnswer(fault.retryAfter) };
    case "reset":
      if (fault.stage === "request") connections.reset(socket);
      else
        return limit(fault.stage === "body" ? (fault.afterBytes ?? 1) : 0, () => connections.reset(socket));
      return stop;
    case "silence":
      if (fault.stage === undefined || fault.stage === "request") return stop;
      return limit(fault.stage === "body" ? (fault.afterBytes ?? 1) : 0, () => undefined);
    case "cut":
      return limit(fault.afterBytes, () => socket.end());
    case "garbage":
      socket.end(fault.bytes ?? "\u0016\u0003\u0001 not http at all\r\n\r\n");
      return stop;
    case "close":
    case "mute":
    case "delay":
      return unaffected;
  }
}

async function serve(
  tenant: Tenant,
  parts: ServeParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const recording: OpenRecording = tenant.recordings.begin(request, false);
  request.pipe(recording.body);
  response.once("close", () => recording.body.resume());
  const { path: whole, query } = parseRequestTarget(request.url ?? "/");
  const path = tenant.access.locate(whole) ?? "";
  recording.setPath(path);
  const { session, refused } = tenant.access.find(request);
  recording.setSession(session);
  if (session !== undefined) tenant.sessions.touch(session);
  const features = { method: request.method ?? "", path, subject: session?.subject };
  let fault = unaffected;
  for (const each of tenant.script.takeFaults(features)) {
    if (each.kind === "delay") await sleep(each.ms, undefined, { ref: false });
    else fault = applyFault(each, request, parts.connections);
  }
  if (fault.done || response.destroyed) return;
  const behaviour = fault.answer === undefined ? tenant.script.takeBehaviour(features) : undefined;
  const verdict = judgeOrigin(tenant, request, query);
  const found = parts.router.find(features.method, path);
  const exchange: Exchange = { tenant, request, body: recording.body, path, query, params: {}, session };
  const answer =
    fault.answer ??
    (behaviour === undefined
      ? (refused ?? (await decideOrFail(exchange, found, verdict)))
      : scriptedAnswer(behaviour));
  recording.setStatus(answer.status);
  await sendAnswer(request, response, answer, {
    now: tenant.clock.now(),
    extraHeaders: [...corsFor(verdict, found), ...standingCookies(tenant, session)],
    compress: tenant.modes.compression,
    ...(fault.limit === undefined ? {} : { limit: fault.limit }),
  });
}

/** What serving needs beside the tenant. */
export interface ServeParts {
  readonly router: Router;
  readonly connections: Connections;
}

/** Creates the listener for requests. */
export function createRequestListener(
  tenant: Tenant,
  parts: ServeParts,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    serve(tenant, parts, request, response).catch(() => {
      response.destroy();
    });
  };
}
