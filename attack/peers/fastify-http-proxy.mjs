// @fastify/http-proxy, with its own hooks for the cookie.
import proxy from "@fastify/http-proxy";
import fastify from "fastify";
import { announce, cookieOf, prefix, upstream } from "./set-up.mjs";

const app = fastify();

app.register(proxy, {
  upstream: `http://${upstream}`,
  prefix,
  rewritePrefix: "/",
  websocket: true,
  async preHandler(request, reply) {
    if (cookieOf(request) === undefined) return reply.code(401).send();
  },
  replyOptions: {
    rewriteRequestHeaders: (request, headers) => ({ ...headers, cookie: cookieOf(request) }),
    rewriteHeaders: ({ "set-cookie": _cookies, ...headers }) => headers,
  },
  wsClientOptions: {
    rewriteRequestHeaders: (headers, request) => ({ ...headers, cookie: cookieOf(request) }),
  },
});

await app.listen({ port: 0, host: "127.0.0.1" });
announce(app.server.address().port);
