import { randomBytes, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { jwtVerify, SignJWT } from "jose";
import { createSessionProxy } from "qlik-session-proxy";
import { chartPage, people, signInPage } from "../sample/portal.js";
import { announce, port, proxyOptions } from "../sample/tenant.js";

// The host session is a signed cookie and nothing else. With a key of its own, a restart signs everybody out.
const key = Buffer.from(process.env.SESSION_SECRET ?? randomBytes(32).toString("base64"));

/** Behind a front door that ends TLS, it is that which says so. */
const isSecure = ({ socket, headers }) => socket.encrypted || headers["x-forwarded-proto"] === "https";

const issueToken = (person) =>
  new SignJWT({ person })
    .setProtectedHeader({ alg: "HS256" })
    .setJti(randomUUID())
    .setExpirationTime("8h")
    .sign(key);

/** Who sent a request: the same answer for pages, for requests to Qlik, and for sockets. */
async function identify({ headers }) {
  const [, token] = /(?:^|; )portal_session=([^;]+)/.exec(headers.cookie ?? "") ?? [];
  if (token === undefined) return null;
  try {
    const { payload } = await jwtVerify(token, key, { algorithms: ["HS256"] });
    // The token's id is the session's: after a sign-out, the proxy never lets it in again, although the token is still good.
    return { ...people[payload.person], sessionId: payload.jti };
  } catch {
    return null;
  }
}

const qlik = createSessionProxy({ ...proxyOptions, identify });

function leadHome(request, response, cookie) {
  const attributes = `Path=/; HttpOnly; SameSite=Lax${isSecure(request) ? "; Secure" : ""}`;
  response.writeHead(303, { location: "/", "set-cookie": `portal_session=${cookie}; ${attributes}` }).end();
}

/** The fields of a form; null for one that is larger than any of ours. */
async function readForm(request) {
  let form = "";
  for await (const piece of request.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    form += piece;
    if (form.length > 4096) return null;
  }
  return new URLSearchParams(form);
}

const routes = {
  "GET /": async (request, response) => {
    const person = await identify(request);
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
    response.end(person === null ? signInPage : chartPage(person));
  },
  "POST /sign-in": async (request, response) => {
    const form = await readForm(request);
    if (form === null) return void response.writeHead(413, { connection: "close" }).end();
    const person = form.get("person");
    if (!Object.hasOwn(people, person)) return void response.writeHead(400).end();
    leadHome(request, response, await issueToken(person));
  },
  "POST /sign-out": async (request, response) => {
    // The portal forgets them, whether Qlik does or not.
    await qlik.logout(request).catch(console.error);
    leadHome(request, response, "; Max-Age=0");
  },
};

const server = createServer((request, response) => {
  // What is not the proxy's comes back here.
  qlik(request, response, async () => {
    const route = routes[`${request.method} ${request.url}`];
    if (route === undefined) return void response.writeHead(404).end();
    await route(request, response).catch(() => response.destroy());
  });
});
qlik.attach(server);
server.listen(port, "127.0.0.1", () => announce(server));
