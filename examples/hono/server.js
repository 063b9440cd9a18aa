import { randomBytes, randomUUID } from "node:crypto";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { getIronSession } from "iron-session";
import { createFetchHandler } from "qlik-session-proxy/fetch";
import { chartPage, people, signInPage } from "../sample/portal.js";
import { announce, port, proxyOptions } from "../sample/tenant.js";

const sealed = {
  cookieName: "portal_session",
  password: process.env.SESSION_SECRET ?? randomBytes(32).toString("base64"),
  // Where browsers come over HTTPS, leave this out.
  cookieOptions: { secure: false },
};

/** The host session is the cookie and nothing else. */
const openSession = (request, response = new Response()) => getIronSession(request, response, sealed);

const qlik = createFetchHandler({
  ...proxyOptions,
  async identify(request) {
    const { person, id } = await openSession(request);
    // The id was made at the sign-in: one that was signed out never comes back, although the cookie is still good.
    return person ? { ...people[person], sessionId: id } : null;
  },
});

const app = new Hono();

// What is not the proxy's goes on to the routes below.
app.use(`${qlik.prefix}/*`, (context) =>
  qlik(context.req.raw, { remoteAddress: context.env.incoming.socket.remoteAddress }),
);

app.get("/", async (context) => {
  const { person } = await openSession(context.req.raw);
  context.header("cache-control", "no-store");
  return context.html(person ? chartPage(people[person]) : signInPage);
});

app.post("/sign-in", async (context) => {
  const { person } = await context.req.parseBody();
  if (!Object.hasOwn(people, person)) return context.body(null, 400);
  const response = context.redirect("/", 303);
  const host = await openSession(context.req.raw, response);
  Object.assign(host, { person, id: randomUUID() });
  await host.save();
  return response;
});

app.post("/sign-out", async (context) => {
  // The portal forgets them, whether Qlik does or not; an error that is thrown would take the end of the cookie with it.
  await qlik.logout(context.req.raw).catch(console.error);
  const response = context.redirect("/", 303);
  (await openSession(context.req.raw, response)).destroy();
  return response;
});

const server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, () => announce(server));
// Sockets do not go through Hono.
qlik.attach(server);
