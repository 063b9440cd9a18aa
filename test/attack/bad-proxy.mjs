// A proxy as it is written in an afternoon: it adds the user's cookie, pipes the rest, and thinks of nothing else.
import { createServer, request as ask } from "node:http";
import { connect } from "node:net";

const [host, port] = process.env.UPSTREAM.split(":");
const cookies = { ann: "session=credential-of-ann", bob: "session=credential-of-bob" };

const server = createServer((request, response) => {
  const cookie = [request.headers.cookie, cookies[request.headers["x-user"]]].filter(Boolean).join("; ");
  const headers = { ...request.headers, cookie };
  const listed = request.headers.connection?.toLowerCase().split(/, */) ?? [];
  for (const name of [...listed, "connection", "transfer-encoding"]) delete headers[name];
  const outgoing = ask({ host, port, path: request.url, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  // A connection that ends between two requests must not end the process: what is attacked later would not be reached.
  outgoing.on("error", () => response.destroy());
  request.pipe(outgoing);
});

server.on("upgrade", (request, socket, head) => {
  const upstream = connect(port, host);
  const lines = [`GET ${request.url} HTTP/1.1`, `Cookie: ${cookies[request.headers["x-user"]]}`];
  for (let at = 0; at < request.rawHeaders.length; at += 2)
    lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
  upstream.write(`${lines.join("\r\n")}\r\n\r\n`);
  upstream.write(head);
  upstream.on("error", () => socket.destroy());
  socket.on("error", () => upstream.destroy());
  socket.pipe(upstream).pipe(socket);
});

server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
