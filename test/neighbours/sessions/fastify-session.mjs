import cookie from "@fastify/cookie";
import fastifySession from "@fastify/session";
import fastify from "fastify";
import qlikSessionProxy from "../../../src/fastify.ts";

const secret = "a secret of the host's own, long enough for all";

export async function open(options) {
  const app = fastify({ forceCloseConnections: true });
  app.register(cookie);
  app.register(fastifySession, { secret, cookie: { secure: false } });
  app.register(qlikSessionProxy, {
    ...options,
    identify: ({ session: { user, sessionId } }) => (user ? { ...user, sessionId } : null),
  });

  app.post("/sign-in", async (request) => {
    request.session.user = { subject: request.query.as };
    return "";
  });
  await app.ready();
  return { server: app.server, close: () => app.close() };
}
