import { randomBytes, randomUUID } from "node:crypto";
import { createServer, ServerResponse } from "node:http";
import { bodyParser } from "@koa/bodyparser";
import Koa from "koa";
import { createSession } from "koa-session";
import { createSessionProxy } from "qlik-session-proxy";
import { chartPage, people, signInPage } from "../sample/portal.js";
import { announce, port, proxyOptions } from "../sample/tenant.js";

const app = new Koa();
app.keys = [process.env.SESSION_SECRET ?? randomBytes(32).toString("base64")];
app.use(createSession({ key: "portal_session", httpOnly: true, sameSite: "lax" }, app));
app.use(bodyParser());

const qlik = createSessionProxy({
  ...proxyOptions,
  // The cookie holds the session, so that a context made of the request finds it: no middleware has run, for sockets neither.
  identify: (request) => {
    const { session: host } = app.createContext(request, new ServerResponse(request));
    return host.person ? { ...people[host.person], sessionId: host.id } : null;
  },
});

app.use(async (context) => {
  const { method, path, session: host } = context;
  switch (`${method} ${path}`) {
    case "GET /":
      context.set("cache-control", "no-store");
      context.body = host.person ? chartPage(people[host.person]) : signInPage;
      return;
    case "POST /sign-in": {
      const { person } = context.request.body;
      if (!Object.hasOwn(people, person)) return void (context.status = 400);
      // A new id for each sign-in: the one that was signed out never comes back.
      context.session = { person, id: randomUUID() };
      return void context.redirect("/");
    }
    case "POST /sign-out":
      // The portal forgets them, whether Qlik does or not; an error that is thrown would take the end of the cookie with it.
      await qlik.logout(context.req).catch(console.error);
      context.session = null;
      return void context.redirect("/");
  }
});

// The proxy stands before Koa, whose responses know nothing of streams that end by themselves.
const handle = app.callback();
const server = createServer((request, response) => qlik(request, response, () => handle(request, response)));
qlik.attach(server);
server.listen(port, "127.0.0.1", () => announce(server));
