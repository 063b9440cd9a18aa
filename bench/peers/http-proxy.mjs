// http-proxy, with its own `headers` option for the cookie.
import { createServer } from "node:http";
import httpProxy from "http-proxy";
import { ca, cookieFor, createAgent, host, pathBehind, port, refuse, tenant } from "./set-up.mjs";

// The agent is for requests only: it would ask for a connection that stays open where an upgrade is wanted.
const proxy = httpProxy.createProxyServer({
  target: ca ? { ...urlParts(tenant), ca } : tenant,
  changeOrigin: true,
  secure: true,
});
const agent = createAgent();

/** http-proxy takes a certificate only beside the parts of the address. */
function urlParts(url) {
  const { protocol, hostname, port: itsPort } = new URL(url);
  return { protocol, host: hostname, hostname, port: itsPort };
}

proxy.on("proxyRes", (answer) => {
  delete answer.headers["set-cookie"];
});
proxy.on("error", (_error, _request, response) => {
  if ("writeHead" in response && !response.headersSent) response.writeHead(502).end();
  else response.destroy();
});

const server = createServer((request, response) => {
  const path = pathBehind(request.url);
  const cookie = cookieFor(request.headers.cookie);
  if (path === undefined || cookie === undefined) return void response.writeHead(401).end();
  request.url = path;
  proxy.web(request, response, { headers: { cookie }, agent });
});

server.on("upgrade", (request, socket, head) => {
  const path = pathBehind(request.url);
  const cookie = cookieFor(request.headers.cookie);
  if (path === undefined || cookie === undefined) return refuse(socket, "401 Unauthorized");
  request.url = path;
  proxy.ws(request, socket, head, { headers: { cookie } });
});

server.listen(port, host);
