// http-proxy-middleware in express, with its own `proxyReq` hooks for the cookie.
import { createServer } from "node:http";
import express from "express";
import { createProxyMiddleware } from "http-proxy-middleware";
import { cookieOf, listen, pathBehind, prefix, refuse, upstream } from "./set-up.mjs";

const addCookie = (outgoing, request) => {
  if (!outgoing.headersSent) outgoing.setHeader("cookie", cookieOf(request));
};

const proxy = createProxyMiddleware({
  target: `http://${upstream}`,
  changeOrigin: true,
  on: {
    proxyReq: addCookie,
    proxyReqWs: addCookie,
    proxyRes(answer) {
      delete answer.headers["set-cookie"];
    },
  },
});

const app = express();
app.disable("x-powered-by");
app.use(prefix, (request, response, next) => {
  if (cookieOf(request) === undefined) response.status(401).end();
  else next();
});
app.use(prefix, proxy);

const server = createServer(app);
server.on("upgrade", (request, socket, head) => {
  const path = pathBehind(request.url);
  if (path === undefined) return refuse(socket, "404 Not Found");
  if (cookieOf(request) === undefined) return refuse(socket, "401 Unauthorized");
  request.url = path;
  proxy.upgrade(request, socket, head);
});

listen(server);
