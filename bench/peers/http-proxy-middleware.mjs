// http-proxy-middleware in express, with its own hooks for the cookie.
import { createServer } from "node:http";
import express from "express";
import { createProxyMiddleware } from "http-proxy-middleware";
import { ca, cookieFor, createAgent, host, pathBehind, port, refuse, tenant } from "./set-up.mjs";

const { protocol, hostname, port: itsPort } = new URL(tenant);

const addCookie = (outgoing, request) => {
  if (!outgoing.headersSent) outgoing.setHeader("cookie", cookieFor(request.headers.cookie));
};

const common = {
  target: ca ? { protocol, host: hostname, hostname, port: itsPort, ca } : tenant,
  changeOrigin: true,
  secure: true,
  on: {
    proxyReq: addCookie,
    proxyReqWs: addCookie,
    proxyRes(answer) {
      delete answer.headers["set-cookie"];
    },
  },
};
const proxy = createProxyMiddleware({ ...common, agent: createAgent() });
const socketProxy = createProxyMiddleware(common);

const app = express();
app.disable("x-powered-by");
app.use((request, response, next) => {
  const path = pathBehind(request.url);
  if (path === undefined || cookieFor(request.headers.cookie) === undefined) {
    response.status(401).end();
    return;
  }
  request.url = path;
  next();
});
app.use(proxy);

const server = createServer(app);
server.on("upgrade", (request, socket, head) => {
  const path = pathBehind(request.url);
  if (path === undefined || cookieFor(request.headers.cookie) === undefined)
    return refuse(socket, "401 Unauthorized");
  request.url = path;
  socketProxy.upgrade(request, socket, head);
});

server.listen(port, host);
