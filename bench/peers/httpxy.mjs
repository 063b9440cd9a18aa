// httpxy, with its own `headers` option for the cookie.
import { createServer } from "node:http";
import { createProxyServer } from "httpxy";
import { ca, cookieFor, createAgent, host, pathBehind, port, refuse, tenant } from "./set-up.mjs";

const agent = createAgent();
const proxy = createProxyServer({ target: tenant, changeOrigin: true, ...(ca ? { ca, secure: true } : {}) });

proxy.on("proxyRes", (answer) => {
  delete answer.headers["set-cookie"];
});

const server = createServer((request, response) => {
  const path = pathBehind(request.url);
  const cookie = cookieFor(request.headers.cookie);
  if (path === undefined || cookie === undefined) return void response.writeHead(401).end();
  request.url = path;
  proxy.web(request, response, { headers: { cookie }, agent }).catch(() => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
});

server.on("upgrade", (request, socket, head) => {
  const path = pathBehind(request.url);
  const cookie = cookieFor(request.headers.cookie);
  if (path === undefined || cookie === undefined) return refuse(socket, "401 Unauthorized");
  request.url = path;
  proxy.ws(request, socket, { headers: { cookie } }, head).catch(() => socket.destroy());
});

server.listen(port, host);
