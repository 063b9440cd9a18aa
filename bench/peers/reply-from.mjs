// @fastify/reply-from in fastify, with its own hooks for the cookie; by undici, as it is by default.
import replyFrom from "@fastify/reply-from";
import fastify from "fastify";
import { ca, cookieFor, host, pathBehind, port, tenant } from "./set-up.mjs";

const app = fastify({ bodyLimit: 1024 ** 3 });

// Bodies go on as they come.
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));

app.register(replyFrom, {
  base: tenant,
  disableRequestLogging: true,
  undici: { connections: 256, pipelining: 1, bodyTimeout: 0, ...(ca ? { connect: { ca } } : {}) },
});

app.all("/*", (request, reply) => {
  const path = pathBehind(request.raw.url);
  const cookie = cookieFor(request.headers.cookie);
  if (path === undefined || cookie === undefined) return reply.code(401).send();
  return reply.from(path, {
    rewriteRequestHeaders: (_request, headers) => ({ ...headers, cookie }),
    rewriteHeaders: ({ "set-cookie": _cookies, ...headers }) => headers,
  });
});

await app.listen({ port, host });
