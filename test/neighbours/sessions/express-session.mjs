import { createServer } from "node:http";
import express from "express";
import session from "express-session";
import { createSessionProxy } from "../../../src/index.ts";

const secret = "a secret of the host's own, long enough for all";

export async function open(options) {
  const app = express();
  const server = createServer(app);
  const sessions = session({ secret, resave: false, saveUninitialized: false });
  const qlik = createSessionProxy({
    ...options,
    identify: ({ session: { user }, sessionID }) => (user ? { ...user, sessionId: sessionID } : null),
  });
  app.use(sessions).use(qlik);
  qlik.attach(server, { before: [sessions] });

  app.post("/sign-in", (request, response) => {
    request.session.user = { subject: request.query.as };
    response.end();
  });
  return { server, close: () => qlik.close() };
}
