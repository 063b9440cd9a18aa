import type { IncomingMessage, Server } from "node:http";
import type { Identity } from "../identity/identity.ts";
import type { SessionProxyOptions } from "../options/session-proxy-options.ts";
import { createSessionProxy } from "../proxy/create-session-proxy.ts";
import type { SessionProxy } from "../proxy/session-proxy.ts";
import { type DetachedHead, DetachedResponse } from "../proxy/http/detached-response.ts";
import { toWebRequest, WebRequest } from "./web-request.ts";

/** The options of `createSessionProxy`; `identify` gets a web request. */
export interface FetchHandlerOptions extends Omit<SessionProxyOptions, "identify"> {
  /**
   * Says who the user of a request is; null for nobody. It gets the very object that the handler was called with, and for an
   * upgrade a request that is made from its head. Called for every request and every upgrade.
   */
  identify(request: Request): Identity | null | Promise<Identity | null>;
}

/** What the framework knows beside the request. */
export interface FetchSurroundings {
  /** Address of the peer, for `trustedProxies`; without it the tenant is told no client's address. */
  readonly remoteAddress?: string | undefined;
  /** Answers what is not the proxy's; without it that is answered 404. */
  readonly next?: (() => Response | Promise<Response>) | undefined;
}

/** A session proxy as a function of web requests, and the handles on it. */
export interface FetchHandler extends Pick<
  SessionProxy,
  "prefix" | "revoke" | "sessions" | "drain" | "close" | "stats"
> {
  /** Answers a request below the prefix; never rejects by itself. */
  (request: Request, surroundings?: FetchSurroundings): Promise<Response>;
  /** Takes the WebSocket upgrades of the node server below the framework. Returns a function that lets go of it again. */
  attach(server: Server): () => void;
  /** Logs out the user of a request, as `SessionProxy.logout` does. */
  logout(request: Request, surroundings?: Pick<FetchSurroundings, "remoteAddress">): Promise<void>;
}

/**
 * Creates a handler of web requests, for Hono on Node, route handlers of Next, and whatever else speaks in them; from options,
 * or over a proxy that is there already, whose `identify` then gets the request in the form of node's.
 *
 * @throws OptionsError listing everything that is wrong with the options
 */
export function createFetchHandler(options: FetchHandlerOptions | SessionProxy): FetchHandler {
  const proxy = typeof options === "function" ? options : createFrom(options);
  const handle = (request: Request, surroundings: FetchSurroundings = {}): Promise<Response> =>
    answer(proxy, request, surroundings);
  const { prefix, attach, revoke, sessions, drain, close, stats } = proxy;
  return Object.assign(handle, {
    prefix,
    revoke,
    sessions,
    drain,
    close,
    stats,
    attach: (server: Server) => attach(server),
    logout: (request: Request, { remoteAddress }: FetchSurroundings = {}) =>
      proxy.logout(new WebRequest(request, remoteAddress).asIncomingMessage),
  });
}

function createFrom(options: FetchHandlerOptions): SessionProxy {
  const { identify } = options;
  // Where it is missing, that is one problem of several.
  if (typeof identify !== "function") return createSessionProxy(options as never);
  const ask = (request: IncomingMessage): Identity | null | Promise<Identity | null> =>
    identify(request instanceof WebRequest ? request.web : toWebRequest(request));
  return createSessionProxy({ ...options, identify: ask });
}

async function answer(
  proxy: SessionProxy,
  web: Request,
  { remoteAddress, next }: FetchSurroundings,
): Promise<Response> {
  const request = new WebRequest(web, remoteAddress);
  const incoming = request.asIncomingMessage;
  const response = new DetachedResponse(incoming);
  const leave = (): void => void response.destroy();
  if (web.signal.aborted) return gone();
  web.signal.addEventListener("abort", leave);
  response.once("close", () => {
    web.signal.removeEventListener("abort", leave);
    // Where an answer has come before the end of the body, the connection still carries that.
    if (!response.writableFinished) request.destroy();
  });
  // A body that breaks off is told to whoever reads it; nobody may.
  request.on("error", () => {});
  const isElsewhere = await new Promise<boolean>((resolve) => {
    void response.head.then(() => resolve(false));
    const handOn = typeof next === "function" ? () => resolve(true) : undefined;
    proxy(incoming, response.asServerResponse, handOn);
  });
  if (isElsewhere && next) {
    web.signal.removeEventListener("abort", leave);
    return next();
  }
  const head = await response.head;
  if (head === null) return web.signal.aborted ? gone() : new Response(null, { status: 502 });
  return toWebResponse(web, head, response);
}

/** To a client that has left; nobody reads it. */
const gone = (): Response => new Response(null, { status: 499 });

function toWebResponse(web: Request, head: DetachedHead, response: DetachedResponse): Response {
  const headers = new Headers();
  for (let index = 0; index + 1 < head.headers.length; index += 2) {
    headers.append(head.headers[index] ?? "", head.headers[index + 1] ?? "");
  }
  // A request of HTTP/2 has no Host, and its answer must not speak of connections. RFC 9113 §8.2.2
  if (!response.shouldKeepAlive && web.headers.has("host")) headers.set("connection", "close");
  const isBodiless = DetachedResponse.isBodiless(web.method, head.status);
  if (isBodiless) response.resume();
  return new Response(isBodiless ? null : toWebStream(response, web.signal), {
    status: head.status,
    headers,
  });
}

/** Reads a piece when one is asked for, and what is left as soon as all is there: a framework may drop an answer without a word. */
function toWebStream(response: DetachedResponse, signal: AbortSignal): ReadableStream<Uint8Array> {
  const pieces = response.iterator() as AsyncIterator<Uint8Array>;
  let isOver = false;
  const next = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    try {
      const { done, value } = await pieces.next();
      if (isOver) return;
      isOver = done === true;
      if (isOver) controller.close();
      else controller.enqueue(value);
    } catch (error) {
      if (isOver) return;
      isOver = true;
      // The error of node's streams is taken for a user who has left, who needs no answer.
      controller.error(signal.aborted ? error : new Error("the answer broke off"));
    }
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const readOut = async (): Promise<void> => {
          while (!isOver) await next(controller);
        };
        if (response.writableEnded) void readOut();
        else response.once("ended", () => void readOut());
      },
      pull: next,
      cancel() {
        isOver = true;
        response.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}
