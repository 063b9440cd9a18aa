import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import cookie from "@fastify/cookie";
import fastifySession from "@fastify/session";
import { createAdaptorServer } from "@hono/node-server";
import compression from "compression";
import express, { type Application } from "express";
import express4 from "express4";
import session from "express-session";
import fastify, { type FastifyInstance } from "fastify";
import { Hono } from "hono";
import { sealData, unsealData } from "iron-session";
import { jwtVerify, SignJWT } from "jose";
import Koa from "koa";
import qlikSessionProxy from "../../src/fastify.ts";
import { createFetchHandler } from "../../src/fetch.ts";
import {
  createSessionProxy,
  type Identity,
  type SessionProxy,
  type SessionProxyOptions,
} from "../../src/index.ts";
import { testIdentity } from "../support/stack.ts";

/** What a host does with its proxy, whatever its framework. */
export interface Mounted extends Pick<SessionProxy, "drain" | "close" | "stats"> {
  /** Ends what the framework holds. */
  end?(): Promise<unknown>;
}

/** A host application: `/sign-in?as=NAME`, `/sign-out` and `/echo` are its own, the rest below `/qlik` is the proxy's. */
export interface Host {
  readonly name: string;
  readonly session: string;
  /** "https" for both kinds over TLS. */
  readonly scheme: "http" | "https";
  /** What pages ask it by, but for WebSockets. */
  readonly speaks: "HTTP/1.1" | "HTTP/2";
  listen(tls: { readonly cert: string; readonly key: string }): Server;
  mount(server: Server, options: Omit<SessionProxyOptions, "identify">): Promise<Mounted>;
}

const secret = "a secret of the host's own, long enough for all";
const key = new TextEncoder().encode(secret);
const user = (subject: unknown): Identity | null => testIdentity(subject as string | undefined);
const cookieOf = (header: string | null | undefined): string =>
  /(?:^|; )host=([^;]+)/.exec(header ?? "")?.[1] ?? "";

const fromJwt = async (header: string | null | undefined): Promise<Identity | null> => {
  const token = cookieOf(header);
  return token === "" ? null : user((await jwtVerify(token, key)).payload.sub);
};
const fromIron = async (header: string | null | undefined): Promise<Identity | null> => {
  const sealed = decodeURIComponent(cookieOf(header));
  if (sealed === "") return null;
  return user((await unsealData<{ subject?: string }>(sealed, { password: secret })).subject);
};
const toJwt = (subject: string): Promise<string> =>
  new SignJWT().setSubject(subject).setProtectedHeader({ alg: "HS256" }).sign(key);

const subjectOf = (url: string | undefined): string =>
  new URL(url ?? "/", "http://host").searchParams.get("as") ?? "";

type WithSession = IncomingMessage & { session: { subject?: string; destroy(done: () => void): void } };

function expressHost(name: string, make: () => Application): Host {
  const parse = express.json();
  return {
    name,
    session: "express-session, rolling",
    scheme: "http",
    speaks: "HTTP/1.1",
    listen: () => createServer(),
    mount(server, options) {
      const app = make();
      const sessions = session({ secret, resave: false, saveUninitialized: false, rolling: true });
      const proxy = createSessionProxy({
        ...options,
        identify: (request) => user((request as WithSession).session.subject),
      });
      app
        .use(compression({ threshold: 0 }))
        .use(sessions)
        .use(proxy)
        .use(parse);
      app.all("/sign-in", (request, response) => {
        (request as WithSession).session.subject = subjectOf(request.url);
        response.end("in");
      });
      app.all("/sign-out", (request, response) => {
        void proxy
          .logout(request)
          .then(() => (request as WithSession).session.destroy(() => response.end("out")));
      });
      app.all("/echo", (request, response) =>
        response.end(JSON.stringify((request as IncomingMessage & { body: unknown }).body)),
      );
      server.on("request", app);
      proxy.attach(server, { before: [sessions as never] });
      return Promise.resolve(proxy);
    },
  };
}

async function readJson(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.stringify(JSON.parse(Buffer.concat(chunks).toString()));
}

/** A plain server, whose session is a token in a cookie. */
function plainHost(server: Pick<Host, "name" | "scheme" | "listen"> & Partial<Host>): Host {
  return {
    session: "JWT cookie",
    speaks: "HTTP/1.1",
    ...server,
    mount(server, options) {
      const proxy = createSessionProxy({
        ...options,
        identify: ({ headers }) => fromJwt(headers.cookie),
      });
      const own: RequestListener = (request, response) => {
        const { url = "/" } = request;
        const answer = async (): Promise<string> => {
          if (url.startsWith("/sign-in")) {
            response.setHeader("set-cookie", `host=${await toJwt(subjectOf(url))}; Path=/`);
            return "in";
          }
          if (url === "/echo") return readJson(request);
          await proxy.logout(request);
          response.setHeader("set-cookie", "host=; Path=/");
          return "out";
        };
        void answer().then((text) => response.end(text));
      };
      server.on("request", (request, response) => proxy(request, response, () => own(request, response)));
      proxy.attach(server);
      return Promise.resolve(proxy);
    },
  };
}

const koa: Host = {
  name: "Koa 3",
  session: "JWT cookie",
  scheme: "http",
  speaks: "HTTP/1.1",
  listen: () => createServer(),
  mount(server, options) {
    const app = new Koa();
    const proxy = createSessionProxy({ ...options, identify: ({ headers }) => fromJwt(headers.cookie) });
    app.use((context, next) => {
      return new Promise<void>((resolve, reject) => {
        context.res.once("close", resolve);
        // The answer is the proxy's alone where it takes the request.
        context.respond = false;
        proxy(context.req, context.res, () => {
          context.respond = true;
          next().then(resolve, reject);
        });
      });
    });
    app.use(async (context) => {
      if (context.path === "/echo") context.body = await readJson(context.req);
      else if (context.path === "/sign-in") {
        context.set("set-cookie", `host=${await toJwt(subjectOf(context.req.url))}; Path=/`);
        context.body = "in";
      } else {
        await proxy.logout(context.req);
        context.set("set-cookie", "host=; Path=/");
        context.body = "out";
      }
    });
    server.on("request", app.callback());
    proxy.attach(server);
    return Promise.resolve(proxy);
  },
};

let fastifyApp: FastifyInstance;
const fastifyHost: Host = {
  name: "Fastify 5",
  session: "@fastify/session, rolling",
  scheme: "http",
  speaks: "HTTP/1.1",
  listen() {
    fastifyApp = fastify({ forceCloseConnections: true });
    return fastifyApp.server;
  },
  async mount(_server, options) {
    const app = fastifyApp;
    type Session = { session: { get(key: string): unknown; set(key: string, value: unknown): void } };
    app.register(cookie);
    app.register(fastifySession, { secret, cookie: { secure: false }, saveUninitialized: false });
    app.register(qlikSessionProxy, {
      ...options,
      identify: (request) => user((request as unknown as Session).session.get("subject")),
    });
    app.post("/sign-in", async (request) => {
      (request as unknown as Session).session.set("subject", subjectOf(request.url));
      return "in";
    });
    app.post("/sign-out", async (request) => {
      await app.qlik.logout(request);
      await request.session.destroy();
      return "out";
    });
    app.post("/echo", (request) => request.body);
    await app.ready();
    return { ...app.qlik, end: () => app.close() };
  },
};

let hono: Hono;
const honoHost: Host = {
  name: "Hono 4 on Node",
  session: "iron-session",
  scheme: "http",
  speaks: "HTTP/1.1",
  listen() {
    hono = new Hono();
    const app = hono;
    return createAdaptorServer({ fetch: (...all) => app.fetch(...all) }) as Server;
  },
  mount(server, options) {
    const qlik = createFetchHandler({
      ...options,
      identify: ({ headers }) => fromIron(headers.get("cookie")),
    });
    hono.all("/qlik/*", (c) => qlik(c.req.raw));
    hono.post("/sign-in", async (c) => {
      const sealed = await sealData({ subject: subjectOf(c.req.url) }, { password: secret });
      c.header("set-cookie", `host=${encodeURIComponent(sealed)}; Path=/`);
      return c.text("in");
    });
    hono.post("/sign-out", async (c) => {
      await qlik.logout(c.req.raw);
      c.header("set-cookie", "host=; Path=/");
      return c.text("out");
    });
    hono.post("/echo", async (c) => c.json(await c.req.json()));
    qlik.attach(server);
    return Promise.resolve(qlik);
  },
};

/** Every host of the table, in its order. */
export const hosts: readonly Host[] = [
  expressHost("Express 4", express4 as unknown as () => Application),
  expressHost("Express 5", express),
  fastifyHost,
  honoHost,
  koa,
  plainHost({ name: "node:http", scheme: "http", listen: () => createServer() }),
  plainHost({ name: "node:https", scheme: "https", listen: (tls) => https.createServer(tls) }),
  plainHost({
    name: "node:http2",
    scheme: "https",
    speaks: "HTTP/2",
    listen: (tls) => http2.createSecureServer({ ...tls, allowHTTP1: true }) as unknown as Server,
  }),
];
