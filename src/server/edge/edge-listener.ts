import { chmod } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { SessionProxyError } from "../../errors.ts";
import { errorAnswer, type OwnAnswer } from "../../http/own-answer.ts";
import { firstHeader, headerPairs, headerValues, type RawHeaders } from "../../http/raw-headers.ts";
import { edgePeer } from "../../identity/address-set.ts";
import { publish } from "../../kernel/channels.ts";
import { traceId } from "../../kernel/random.ts";
import type { Secret } from "../../kernel/secret.ts";
import type { EdgeVerdict } from "../../proxy/edge/edge-door.ts";
import type { ReloadableProxy } from "../../proxy/session-proxy.ts";
import { bearerTokenIn, equalTexts } from "../admin-access.ts";
import type { ListenAddress } from "../config/listen-address.ts";
import { type AnyServer, createListener, listen } from "../listener.ts";
import { createRareTeller } from "../told-rarely.ts";
import { dialectOf, type EdgeDialect } from "./original-request.ts";
import { destroyResponse } from "../../proxy/http/waiting-response.ts";

/** What the edge listener needs. */
export interface EdgeListenerOptions {
  /** The token of now. */
  readonly token: () => Secret | undefined;
  readonly judge: ReloadableProxy["judge"];
}

/**
 * The header that shows that an edge asks, and no browser. `Authorization` is the browser's own, and may say who it is; where it
 * holds the token of the edge, it says that.
 */
const tokenHeader = "x-qsp-edge-token";

/** Every answer: what it says holds for one request, once. */
const unkept = ["Cache-Control", "no-store", "Vary", "*"] as const;

/** Creates the listener that an edge asks about each request. Without its token there is nothing to be found. rules R10 */
export function createEdgeListener({ token, judge }: EdgeListenerOptions): AnyServer {
  const server = createListener(undefined);
  const tellRefusal = createRareTeller(publishRefusal);

  const answerTo = async (request: IncomingMessage): Promise<OwnAnswer> => {
    const { url = "/" } = request;
    const headers = withoutToken(request, token());
    if (headers === null) tellRefusal();
    const dialect = headers === null ? undefined : dialectOf(url);
    if (headers === null || dialect === undefined) return nothingHere();
    const original = hasBody(request) ? null : dialect.readOriginal(request);
    if (original === null) return answerOf(dialect, request, unsaid());
    return answerOf(dialect, request, await judge({ ...original, headers, peer: edgePeer }));
  };

  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    answerTo(request)
      .then(({ status, headers, body }) => {
        if (hasBody(request)) response.shouldKeepAlive = false;
        response.writeHead(status, headers);
        response.end(request.method === "HEAD" ? undefined : body);
      })
      .catch(() => destroyResponse(response));
  });
  return server;
}

/** Reading and writing for owner and group: the edge is another user of the system, and no other one has anything to ask. */
const socketMode = 0o660;

/** Starts to listen; a unix socket can be used by the group of its file. @throws ListenError */
export async function listenForEdge(server: AnyServer, address: ListenAddress): Promise<ListenAddress> {
  const listening = await listen(server, address);
  if ("path" in listening) await chmod(listening.path, socketMode);
  return listening;
}

/**
 * What an edge hands on of a browser, without the token of the edge; null where it has not one token, which is the right one.
 * Compared in a time that tells nothing of it. attacks A2
 */
function withoutToken({ rawHeaders }: IncomingMessage, token: Secret | undefined): RawHeaders | null {
  const shown = headerValues(rawHeaders, tokenHeader);
  const bearers = shown.length === 0 ? headerValues(rawHeaders, "authorization").map(bearerTokenIn) : shown;
  const [given, ...others] = bearers;
  if (given === undefined || others.length > 0 || token === undefined) return null;
  if (!equalTexts(token.reveal(), given)) return null;
  const name = shown.length === 0 ? "authorization" : tokenHeader;
  return headerPairs(rawHeaders).flatMap((pair) => (pair[0].toLowerCase() === name ? [] : pair));
}

/** A verdict needs none; a connection with one that nobody reads cannot be used again. */
const hasBody = ({ rawHeaders }: IncomingMessage): boolean =>
  firstHeader(rawHeaders, "transfer-encoding") !== undefined ||
  Number(firstHeader(rawHeaders, "content-length") ?? 0) > 0;

const publishRefusal = (): void =>
  publish("policy", () => ({
    event: "edge.refused",
    level: "warn",
    traceId: traceId(),
    code: "QSP-POLICY",
    reason: "a request without the token of edge.tokenFile came to the edge listener",
  }));

const refusalOf = (error: SessionProxyError): EdgeVerdict => ({ passes: false, error, traceId: traceId() });

const unsaid = (): EdgeVerdict =>
  refusalOf(
    new SessionProxyError("QSP-TARGET", {
      reason: "the edge does not say once what it asks about, and no more",
    }),
  );

function nothingHere(): OwnAnswer {
  const answer = errorAnswer(new SessionProxyError("QSP-POLICY"), { navigation: false, traceId: traceId() });
  return { ...answer, headers: withUnkept(answer.headers) };
}

const withUnkept = (headers: readonly string[]): string[] => [
  ...headers.flatMap((name, index) =>
    index % 2 === 0 && !/^(?:cache-control|vary)$/i.test(name) ? [name, headers[index + 1] ?? ""] : [],
  ),
  ...unkept,
];

function answerOf(dialect: EdgeDialect, request: IncomingMessage, verdict: EdgeVerdict): OwnAnswer {
  if (verdict.passes) return yes(dialect, verdict);
  const { error } = verdict;
  const navigation = firstHeader(request.rawHeaders, "sec-fetch-mode") === "navigate";
  const { status, headers, body } = errorAnswer(error, { navigation, traceId: verdict.traceId });
  return {
    // nginx takes any other for a fault of its own.
    status: dialect.carriesAnswers || status === 401 ? status : 403,
    headers: [...withUnkept(headers), "X-QSP-Code", error.code],
    body,
  };
}

/** Each is there, empty where there is none: what the browser sent under its name has to go. rules R10 */
function yes(
  { names }: EdgeDialect,
  { upstreamUri, cookie, csrfToken }: Extract<EdgeVerdict, { readonly passes: true }>,
): OwnAnswer {
  const headers = [
    "Content-Length",
    "0",
    ...unkept,
    "X-QSP-Upstream-URI",
    upstreamUri,
    names.cookie,
    cookie,
    names.csrfToken,
    csrfToken,
  ];
  return { status: 200, headers, body: Buffer.alloc(0) };
}
