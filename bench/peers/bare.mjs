// What would be left of the product without any of its features: node's server and our own client for the tenant, with the
// cookie replaced in between: about the least that a small answer can cost.
import { createServer } from "node:http";
import { createUpstream } from "../../dist/upstream/upstream.js";
import { ca, cookieFor, host, pathBehind, port, tenant } from "./set-up.mjs";

const upstream = createUpstream({
  origin: tenant,
  ca: ca?.toString(),
  client: "own",
  timeouts: { connect: 5000, headers: 60_000, bodyIdle: 60_000 },
  perSession: 6,
  idle: 5000,
  idleTotal: 1024,
  total: 4096,
});

const notSent = new Set([
  "host",
  "cookie",
  "connection",
  "content-length",
  "transfer-encoding",
  "x-user-sub",
]);
const notPassed = new Set(["set-cookie", "connection", "keep-alive", "transfer-encoding"]);

/** Names and values in turn, without some of them. */
const without = (raw, names) => {
  const kept = [];
  for (let index = 0; index < raw.length; index += 2) {
    if (!names.has(raw[index].toLowerCase())) kept.push(raw[index], raw[index + 1]);
  }
  return kept;
};

/** A value out of raw headers. */
const valueOf = (raw, name) => {
  for (let index = 0; index < raw.length; index += 2) {
    if (raw[index].toLowerCase() === name) return raw[index + 1];
  }
  return undefined;
};

const server = createServer((request, response) => {
  const { method, rawHeaders } = request;
  const path = pathBehind(request.url);
  const browserCookie = valueOf(rawHeaders, "cookie");
  const cookie = cookieFor(browserCookie);
  if (path === undefined || cookie === undefined) return void response.writeHead(401).end();
  const headers = without(rawHeaders, notSent);
  headers.push("cookie", cookie);
  const length = valueOf(rawHeaders, "content-length");
  const hasBody = length !== undefined || valueOf(rawHeaders, "transfer-encoding") !== undefined;
  let stop = () => {};
  let resume = () => {};
  response.on("drain", () => resume());
  response.on("close", () => {
    if (!response.writableFinished) stop();
  });
  upstream.dispatch(
    browserCookie,
    {
      method,
      path,
      headers,
      body: hasBody ? request : null,
      contentLength: length === undefined ? undefined : Number(length),
    },
    {
      started(abort) {
        stop = abort;
      },
      head(status, raw, goOn) {
        resume = goOn;
        response.sendDate = false;
        response.writeHead(status, without(raw, notPassed));
        return true;
      },
      data: (chunk) => response.write(chunk),
      finished: () => response.end(),
      failed: () => response.destroy(),
    },
  );
});

server.listen(port, host);
