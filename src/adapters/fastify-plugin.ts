import { type IncomingMessage, type Server, ServerResponse } from "node:http";
import { constants, type Http2Stream } from "node:http2";
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import type { Identity } from "../identity/identity.ts";
import type { SessionProxyOptions } from "../options/session-proxy-options.ts";
import { createSessionProxy } from "../proxy/create-session-proxy.ts";
import type { Middleware, SessionProxy } from "../proxy/session-proxy.ts";
import { DetachedResponse } from "../proxy/http/detached-response.ts";
import { destroyResponse } from "../proxy/http/waiting-response.ts";
import { logEvents } from "./fastify-log.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** The session proxy below this instance. */
    qlik: FastifySessionProxy;
  }
}

/** The handles on a proxy that Fastify holds. */
export interface FastifySessionProxy extends Pick<
  SessionProxy,
  "prefix" | "revoke" | "sessions" | "drain" | "close" | "stats"
> {
  /** Logs out the user of a request, as `SessionProxy.logout` does. */
  logout(request: FastifyRequest): Promise<void>;
}

/** What the plugin itself is told. */
interface PluginOptions {
  /** Name of the decorator; "qlik" by default. A second proxy in one application needs another one. */
  readonly decorator?: string;
}

/** The options of `createSessionProxy`; `prefix` is below that of the instance, as everywhere in Fastify. */
export interface FastifySessionProxyOptions extends Omit<SessionProxyOptions, "identify">, PluginOptions {
  readonly proxy?: never;
  /**
   * Says who the user of a request is; null for nobody. Called for every request and every upgrade, after the hooks
   * `onRequest` and `preHandler` of the application, for both.
   */
  identify(request: FastifyRequest): Identity | null | Promise<Identity | null>;
}

/** A proxy that is there already. Its owner closes it, and its `identify` gets node's request. */
export interface FastifyReadyProxyOptions extends PluginOptions {
  readonly proxy: SessionProxy;
}

/** Fastify's request for one of node's, once the hooks of the application have run on it. */
const fastifyRequests = new WeakMap<IncomingMessage, FastifyRequest>();

/** Upgrades on their way through the hooks, and what is to be done when they are through. */
const upgrades = new WeakMap<IncomingMessage, () => void>();

/** How Fastify is told of a plugin that opens no scope of its own, and of its name. */
const asPlugin = {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "qlik-session-proxy",
  [Symbol.for("plugin-meta")]: { name: "qlik-session-proxy", fastify: "5.x" },
};

/**
 * Serves everything below the prefix: requests and upgrades, both after the hooks of the application that are registered before
 * it. Bodies are not parsed. Decorates the instance with the handles on the proxy. When Fastify closes, requests are let finish
 * and sockets sent elsewhere.
 *
 * @throws OptionsError listing everything that is wrong with the options
 */
export const qlikSessionProxy: FastifyPluginAsync<FastifySessionProxyOptions | FastifyReadyProxyOptions> =
  Object.assign(plugin, asPlugin);

async function plugin(
  fastify: FastifyInstance,
  options: FastifySessionProxyOptions | FastifyReadyProxyOptions,
): Promise<void> {
  const { proxy, tenant } = open(fastify, options);
  const isOurs = options.proxy === undefined;
  const forget = logEvents(fastify.log, tenant);
  const detach = proxy.attach(fastify.server as Server, { before: [throughHooks(fastify)] });
  const { decorator = "qlik" } = options;
  fastify.decorate(decorator, handlesOf(proxy) as never);
  // Fastify answers 503 from here on, so there is no time in which everything would still be served.
  fastify.addHook("preClose", () => proxy.drain({ delay: 0 }));
  fastify.addHook("onClose", async () => {
    detach();
    forget();
    if (isOurs) await proxy.close();
  });
  // A scope of its own, because of the parsers: hooks and decorators of the application hold in it, too.
  await fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _body, done) => done(null));
    for (const url of routesOf(proxy.prefix, fastify.prefix)) {
      scope.all(url, (request, reply) => handle(proxy, request, reply));
    }
  });
}

/** What the plugin and Fastify's `register` are told in the same object. */
const notOfTheProxy = new Set(["proxy", "decorator", "logLevel", "logSerializers"]);

interface Opened {
  readonly proxy: SessionProxy;
  /** Undefined where the proxy was there already. */
  readonly tenant: string | undefined;
}

function open(
  fastify: FastifyInstance,
  options: FastifySessionProxyOptions | FastifyReadyProxyOptions,
): Opened {
  if (options.proxy !== undefined) return { proxy: options.proxy, tenant: undefined };
  const given = Object.fromEntries(
    Object.entries(options).filter(([key]) => !notOfTheProxy.has(key)),
  ) as unknown as Omit<FastifySessionProxyOptions, keyof PluginOptions>;
  const { identify, prefix = "/qlik" } = given;
  const ask = (request: IncomingMessage): Identity | null | Promise<Identity | null> => {
    const ofFastify = fastifyRequests.get(request);
    if (ofFastify === undefined) throw new Error("the request has not come through Fastify");
    return identify(ofFastify);
  };
  const isWhole = typeof identify === "function" && typeof prefix === "string";
  const proxy = createSessionProxy({
    ...given,
    // What is wrong stays as it is, to be named among the other problems.
    ...(isWhole ? { identify: ask, prefix: joined(fastify.prefix, prefix) } : (given as never)),
  });
  return { proxy, tenant: given.tenant.origin };
}

const joined = (outer: string, inner: string): string =>
  inner === "/" && outer !== "" ? outer : outer + inner;

/** The routes of everything below a prefix, as the instance has to name them. At the root those of the application go first. */
function routesOf(prefix: string, outer: string): readonly string[] {
  const own = prefix === "/" ? "" : prefix;
  if (own !== outer && !own.startsWith(`${outer}/`))
    throw new Error(`a proxy at ${prefix} cannot be reached below ${outer}`);
  const inner = own.slice(outer.length);
  return prefix === "/" ? ["/*"] : [inner === "" ? "/" : inner, `${inner}/*`];
}

function handlesOf(proxy: SessionProxy): FastifySessionProxy {
  const { prefix, revoke, sessions, drain, close, stats } = proxy;
  return {
    prefix,
    revoke,
    sessions,
    drain,
    close,
    stats,
    logout(request) {
      fastifyRequests.set(request.raw, request);
      return proxy.logout(request.raw);
    },
  };
}

/**
 * Takes an upgrade through Fastify, as a request to the same path. It comes back in the handler of its route, after all hooks; a
 * hook that answers has refused it.
 */
function throughHooks(fastify: FastifyInstance): Middleware {
  return (request, refused, next) => {
    const response = new ServerResponse(request);
    response.end = () => {
      if (response.statusCode >= 500) next(new Error(`a hook answered ${response.statusCode}`));
      else refused.end();
      return response;
    };
    upgrades.set(request, next);
    fastify.routing(request, response);
  };
}

function handle(proxy: SessionProxy, request: FastifyRequest, reply: FastifyReply): unknown {
  const { raw } = request;
  fastifyRequests.set(raw, request);
  const goOn = upgrades.get(raw);
  if (goOn === undefined) return answer(proxy, request, reply);
  upgrades.delete(raw);
  reply.hijack();
  goOn();
  return reply;
}

/** Lets Fastify send what the proxy answers, so that the hooks `onSend` see it: there a session sets its cookie. */
async function answer(proxy: SessionProxy, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { raw } = request;
  const response = new DetachedResponse(raw);
  reply.raw.once("close", () => void response.destroy());
  if (reply.raw.destroyed || raw.socket.destroyed) response.destroy();
  const isElsewhere = await new Promise<boolean>((resolve) => {
    void response.head.then(() => resolve(false));
    proxy(raw, response.asServerResponse, () => resolve(true));
  });
  if (isElsewhere) {
    reply.callNotFound();
    return reply;
  }
  const head = await response.head;
  if (head === null) {
    reply.hijack();
    destroyResponse(reply.raw);
    return reply;
  }
  return send(reply.code(head.status), head.headers, response);
}

const endWithError = (stream: Http2Stream): void => stream.close(constants.NGHTTP2_INTERNAL_ERROR);

function send(reply: FastifyReply, headers: readonly string[], response: DetachedResponse): FastifyReply {
  if (!response.shouldKeepAlive) reply.raw.shouldKeepAlive = false;
  const said = new Set<string>();
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = (headers[index] ?? "").toLowerCase();
    const value = headers[index + 1] ?? "";
    // What the host has said stays beside ours where several can hold, else ours wins; Fastify adds cookies by itself. rules R8
    const isAdded = name !== "set-cookie" && (said.has(name) || name === "vary");
    const before = isAdded ? reply.getHeader(name) : undefined;
    reply.header(name, before === undefined ? value : [before, value].flat().join(", "));
    said.add(name);
  }
  if (DetachedResponse.isBodiless(response.req.method, reply.statusCode) && response.req.method !== "HEAD") {
    response.resume();
    return reply.send();
  }
  // Fastify destroys what breaks off; over HTTP/2 that alone would be an orderly end, and half an answer a whole one.
  response.once("close", () => {
    if ("stream" in reply.raw && !response.readableEnded) endWithError(reply.raw.stream as Http2Stream);
  });
  // node keeps a head back until the body begins; that of an event stream may take its time. product C5
  response.once("resume", () => {
    setImmediate(() => {
      if (!reply.raw.headersSent && !reply.raw.destroyed) reply.raw.flushHeaders();
    });
  });
  return reply.send(response);
}
