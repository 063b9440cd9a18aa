import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import express from "express";
import { getIronSession } from "iron-session";
import { createSessionProxy } from "../../../src/index.ts";

const cookie = {
  cookieName: "portal",
  password: "a secret of the host's own, long enough for all",
  cookieOptions: { secure: false },
};

const identify = async (request) => {
  // Only `save` and `destroy` need the answer.
  const { user, id } = await getIronSession(request, new Response(), cookie);
  return user ? { ...user, sessionId: id } : null;
};

export async function open(options) {
  const app = express();
  const server = createServer(app);
  const qlik = createSessionProxy({ ...options, identify });
  app.use(qlik);
  qlik.attach(server);

  app.post("/sign-in", async (request, response) => {
    const session = await getIronSession(request, response, cookie);
    Object.assign(session, { user: { subject: request.query.as }, id: randomUUID() });
    await session.save();
    response.end();
  });
  return { server, close: () => qlik.close() };
}
