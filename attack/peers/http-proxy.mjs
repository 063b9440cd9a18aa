// http-proxy, with its own `headers` option for the cookie.
import { createServer } from "node:http";
import httpProxy from "http-proxy";
import { cookieOf, listen, pathBehind, refuse, upstream } from "./set-up.mjs";

const proxy = httpProxy.createProxyServer({ target: `http://${upstream}`, changeOrigin: true });

proxy.on("proxyRes", (answer) => {
  delete answer.headers["set-cookie"];
});

proxy.on("error", (_error, _request, response) => {
  if ("writeHead" in response && !response.headersSent) response.writeHead(502).end();
  else response.destroy();
});

const server = createServer((request, response) => {
  const path = pathBehind(request.url);
  const cookie = cookieOf(request);
  if (path === undefined) return void response.writeHead(404).end();
  if (cookie === undefined) return void response.writeHead(401).end();
  request.url = path;
  proxy.web(request, response, { headers: { cookie } });
});

server.on("upgrade", (request, socket, head) => {
  const path = pathBehind(request.url);
  const cookie = cookieOf(request);
  if (path === undefined) return refuse(socket, "404 Not Found");
  if (cookie === undefined) return refuse(socket, "401 Unauthorized");
  request.url = path;
  proxy.ws(request, socket, head, { headers: { cookie } });
});

listen(server);
