// httpxy, with its own `headers` option for the cookie.
import { createServer } from "node:http";
import { createProxyServer } from "httpxy";
import { cookieOf, listen, pathBehind, refuse, upstream } from "./set-up.mjs";

const proxy = createProxyServer({ target: `http://${upstream}`, changeOrigin: true });

proxy.on("proxyRes", (answer) => {
  delete answer.headers["set-cookie"];
});

const server = createServer((request, response) => {
  const path = pathBehind(request.url);
  const cookie = cookieOf(request);
  if (path === undefined) return void response.writeHead(404).end();
  if (cookie === undefined) return void response.writeHead(401).end();
  request.url = path;
  proxy.web(request, response, { headers: { cookie } }).catch(() => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
});

server.on("upgrade", (request, socket, head) => {
  const path = pathBehind(request.url);
  const cookie = cookieOf(request);
  if (path === undefined) return refuse(socket, "404 Not Found");
  if (cookie === undefined) return refuse(socket, "401 Unauthorized");
  request.url = path;
  proxy.ws(request, socket, { headers: { cookie } }, head).catch(() => {});
});

listen(server);
