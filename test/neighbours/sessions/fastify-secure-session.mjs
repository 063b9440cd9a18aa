import { randomBytes, randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import fastify from "fastify";
import qlikSessionProxy from "../../../src/fastify.ts";

// Not imported, or its types would say what the session of every example is.
const secureSession = createRequire(import.meta.url)("@fastify/secure-session");

export async function open(options) {
  const app = fastify({ forceCloseConnections: true });
  app.register(secureSession, { key: randomBytes(32), cookie: { path: "/" } });
  app.register(qlikSessionProxy, {
    ...options,
    identify: ({ session }) => session.get("user") ?? null,
  });

  app.post("/sign-in", async (request) => {
    request.session.set("user", { subject: request.query.as, sessionId: randomUUID() });
    return "";
  });
  await app.ready();
  return { server: app.server, close: () => app.close() };
}
