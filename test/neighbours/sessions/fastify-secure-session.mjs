import { randomBytes, randomUUID } from "node:crypto";
import secureSession from "@fastify/secure-session";
import fastify from "fastify";
import qlikSessionProxy from "../../../src/fastify.ts";

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
