import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { SessionProxyError } from "../../errors.ts";
import { errorAnswer } from "../../http/own-answer.ts";
import { firstHeader } from "../../http/raw-headers.ts";
import { publish } from "../../kernel/channels.ts";
import { traceId as newTraceId } from "../../kernel/random.ts";
import { sendAnswer } from "../http/host-response.ts";
import { overHttp2, toHttp1Head } from "../http/over-http2.ts";
import { followConnection } from "../http/waiting-response.ts";
import { isHttp2 } from "../request-head.ts";
import { abandon, refuse } from "../socket/socket-door.ts";
import { inTurn } from "../socket/upgrade-turn.ts";

const unheard = (): void => {};

/** Answers a request that is for no tenant, in the shape of all our errors; no tenant is named in its line of the log. */
export function refuseRequest(
  request: IncomingMessage,
  given: ServerResponse,
  error: SessionProxyError,
): void {
  const { code, reason, status } = error;
  const traceId = newTraceId();
  let response = given;
  if (isHttp2(request)) {
    toHttp1Head(request);
    response = overHttp2(request, given, () => false);
  }
  if (response.destroyed) return;
  followConnection(request, response);
  response.on("error", unheard);
  // What follows on this connection is as doubtful as what came.
  if (!response.headersSent) response.shouldKeepAlive = false;
  const navigation = firstHeader(request.rawHeaders, "sec-fetch-mode") === "navigate";
  sendAnswer(response, errorAnswer(error, { navigation, traceId }));
  publish("exchange", () => ({
    event: "exchange.finished",
    traceId,
    route: "denied",
    method: request.method ?? "GET",
    ms: 0,
    status,
    code,
    reason,
  }));
}

/** The same for an upgrade, in its turn on the connection. */
export function refuseUpgrade(socket: Socket, error: SessionProxyError): void {
  const traceId = newTraceId();
  inTurn(
    socket,
    () => refuse(socket, error, { traceId }),
    () => abandon(socket, { traceId }),
  );
}
