import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import next from "next";
import { createFetchHandler } from "qlik-session-proxy/fetch";
import { people } from "../sample/portal.js";
import { announce, port, proxyOptions } from "../sample/tenant.js";
import { openSession } from "./session.js";

process.env.SESSION_SECRET ??= randomBytes(32).toString("base64");

// One for the process: Next bundles the routes, and they would each bundle a proxy of their own.
globalThis.qlik = createFetchHandler({
  ...proxyOptions,
  async identify(request) {
    const { person, id } = await openSession(request, new Response());
    // The id was made at the sign-in: one that was signed out never comes back, although the cookie is still good.
    return person ? { ...people[person], sessionId: id } : null;
  },
});

const server = createServer((request, response) => handle(request, response));
const app = next({ dev: process.env.NODE_ENV !== "production", httpServer: server });
await app.prepare();
const handle = app.getRequestHandler();

// Next has sockets of its own, and ends those to paths that it has a route for; of ours it does not hear.
globalThis.qlik.attach(server);
server.listen(port, "127.0.0.1", () => announce(server));
