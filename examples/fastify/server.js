import { randomBytes } from "node:crypto";
import cookie from "@fastify/cookie";
import formBody from "@fastify/formbody";
import session from "@fastify/session";
import Fastify from "fastify";
import qlikSessionProxy from "qlik-session-proxy/fastify";
import { chartPage, people, signInPage } from "../sample/portal.js";
import { announce, port, proxyOptions } from "../sample/tenant.js";

const app = Fastify({ logger: { level: "warn" } });

await app.register(formBody);
await app.register(cookie);
await app.register(session, {
  cookieName: "portal_session",
  secret: process.env.SESSION_SECRET ?? randomBytes(32).toString("base64"),
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: "lax", secure: "auto" },
});

// After the session: its hooks run first, for requests and for sockets. The parsers do not touch what goes to Qlik.
await app.register(qlikSessionProxy, {
  ...proxyOptions,
  identify: ({ session: host }) => host.person && { ...people[host.person], sessionId: host.sessionId },
});

app.get("/", ({ session: host }, reply) => {
  reply.header("cache-control", "no-store").type("text/html; charset=utf-8");
  return host.person ? chartPage(people[host.person]) : signInPage;
});

app.post("/sign-in", async (request, reply) => {
  const { person } = request.body;
  if (!Object.hasOwn(people, person)) return reply.code(400).send();
  // A new id for each sign-in, so that none that was there before is worth anything.
  await request.session.regenerate();
  request.session.person = person;
  return reply.redirect("/", 303);
});

app.post("/sign-out", async (request, reply) => {
  // First the session at Qlik, with its open sockets, while the portal still knows whose it is; then the portal's own, whether
  // that went well or not.
  try {
    await app.qlik.logout(request);
  } finally {
    await request.session.destroy();
    reply.clearCookie("portal_session");
  }
  return reply.redirect("/", 303);
});

await app.listen({ port, host: "127.0.0.1" });
announce(app.server);
