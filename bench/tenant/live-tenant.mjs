// The tenant of uploads and sockets, which nginx has no answers for: says what it got of an upload, and echoes frames.
// Whoever comes without the exact cookie is refused, so that nobody is measured who has not replaced it.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import process from "node:process";
import { WebSocketServer } from "ws";

const { BENCH_PORT, BENCH_CREDENTIAL, BENCH_LOGIN_COOKIES, BENCH_BALANCER_COOKIES, BENCH_TOKEN } =
  process.env;

const attributes = "Path=/; Secure; HttpOnly; SameSite=None";
const withAttributes = (cookies) => JSON.parse(cookies).map((cookie) => `${cookie}; ${attributes}`);
const loginCookies = withAttributes(BENCH_LOGIN_COOKIES);
const balancerCookies = withAttributes(BENCH_BALANCER_COOKIES);

const isExact = ({ headers }) => headers.cookie === BENCH_CREDENTIAL;

function answerUpload(request, response) {
  const hash = createHash("sha256");
  let bytes = 0;
  request.on("data", (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  request.on("end", () => {
    response.writeHead(201, { "content-type": "application/json", "set-cookie": balancerCookies });
    response.end(JSON.stringify({ bytes, sha256: hash.digest("hex") }));
  });
}

const server = createServer((request, response) => {
  if (request.url === "/login/jwt-session") {
    response.writeHead(200, {
      "content-type": "application/json",
      "set-cookie": [...loginCookies, ...balancerCookies],
    });
    return response.end("{}");
  }
  if (!isExact(request)) return response.writeHead(409).end();
  if (request.url === "/api/v1/csrf-token")
    return response.writeHead(204, { "qlik-csrf-token": BENCH_TOKEN }).end();
  if (request.url === "/api/v1/temp-contents") return answerUpload(request, response);
  return response.writeHead(404).end();
});

// Compression is the business of both ends; here there is none, so that frames are of the size that is named.
const sockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  maxPayload: 4 * 1024 * 1024,
  skipUTF8Validation: true,
});

server.on("upgrade", (request, socket, head) => {
  socket.on("error", () => {});
  if (!isExact(request)) return socket.end("HTTP/1.1 409 Conflict\r\nConnection: close\r\n\r\n");
  sockets.handleUpgrade(request, socket, head, (connection) => {
    connection.on("error", () => {});
    connection.on("message", (data, isBinary) => connection.send(data, { binary: isBinary }));
  });
});

server.keepAliveTimeout = 75_000;
server.listen(Number(BENCH_PORT), "127.0.0.1", 4096);
