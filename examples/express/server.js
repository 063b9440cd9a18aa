import { randomBytes } from "node:crypto";
import express from "express";
import session from "express-session";
import { createSessionProxy } from "qlik-session-proxy";
import { chartPage, people, signInPage } from "../sample/portal.js";
import { announce, port, proxyOptions } from "../sample/tenant.js";

const sessions = session({
  name: "portal_session",
  secret: process.env.SESSION_SECRET ?? randomBytes(32).toString("base64"),
  resave: false,
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: "lax", secure: "auto" },
});

const qlik = createSessionProxy({
  ...proxyOptions,
  // The session's id comes along, so that a sign-out here ends this browser's session at Qlik and no other.
  identify: ({ session: host }) => host?.person && { ...people[host.person], sessionId: host.id },
});

const app = express();
app.use(sessions);
// Parsers stand best behind the proxy. One that has to stand before it keeps the bytes that it has read in `rawBody`.
app.use(express.json({ verify: (request, _response, bytes) => (request.rawBody = bytes) }));
app.use(qlik);
app.use(express.urlencoded());

app.get("/", ({ session: host }, response) => {
  response.set("cache-control", "no-store");
  response.send(host.person ? chartPage(people[host.person]) : signInPage);
});

app.post("/sign-in", (request, response, next) => {
  const { person } = request.body;
  if (!Object.hasOwn(people, person)) return void response.sendStatus(400);
  // A new id for each sign-in, so that none that was there before is worth anything.
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.person = person;
    response.redirect(303, "/");
  });
});

app.post("/sign-out", async (request, response) => {
  // First the session at Qlik, with its open sockets, while the portal still knows whose it is; then the portal's own, whether
  // that went well or not.
  try {
    await qlik.logout(request);
  } finally {
    await new Promise((done) => request.session.destroy(done));
    response.clearCookie("portal_session");
  }
  response.redirect(303, "/");
});

const server = app.listen(port, "127.0.0.1", () => announce(server));
// Sockets do not go through `app`: the session is read for them here.
qlik.attach(server, { before: [sessions] });
