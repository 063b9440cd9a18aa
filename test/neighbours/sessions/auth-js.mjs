import { randomUUID } from "node:crypto";
import { Auth } from "@auth/core";
import { getToken } from "@auth/core/jwt";
import Credentials from "@auth/core/providers/credentials";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { createFetchHandler } from "../../../src/fetch.ts";

const secret = "a secret of the host's own, long enough for all";

const config = {
  secret,
  trustHost: true,
  basePath: "/auth",
  session: { strategy: "jwt" },
  providers: [
    Credentials({ credentials: { as: {} }, authorize: ({ as }) => ({ id: as, name: as, email: as }) }),
  ],
  callbacks: {
    // An id of this sign-in: that of the token changes whenever Auth.js renews it.
    jwt: ({ token, user }) => (user ? { ...token, sub: user.id, sid: randomUUID() } : token),
  },
};

const identify = async ({ headers }) => {
  // True where the browser comes over HTTPS, also if a front door ends it: the cookie has another name then.
  const secureCookie = false;
  const token = await getToken({ req: { headers }, secret, secureCookie });
  if (token === null) return null;
  const { sub, name, email, sid, exp } = token;
  return { subject: sub, name, email: email ?? undefined, sessionId: sid, expiresAt: exp * 1000 };
};

export async function open(options) {
  const qlik = createFetchHandler({ ...options, identify });
  const app = new Hono();
  app.all("/qlik/*", (context) => qlik(context.req.raw));
  app.all("/auth/*", (context) => Auth(context.req.raw, config));
  const server = createAdaptorServer({ fetch: app.fetch });
  qlik.attach(server);
  return { server, close: () => qlik.close() };
}
