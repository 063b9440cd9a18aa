/*
 * A handshake behind a request on the same connection, sent before the answer to that was through. node hands the connection
 * over at once; our 101 or refusal was written into the middle of the earlier answer. Found by the fuzzer, with a stream of
 * events as the earlier answer.
 */
import { expect, test } from "vitest";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { answerOk } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

const handshake = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

test.each([
  ["that is let in", "/qlik/app/a"],
  ["that is refused", "/qlik/nothing/here"],
  ["that nobody takes", "/elsewhere"],
])("a handshake %s, behind an answer that is not through, breaks the connection", async (_what, path) => {
  const { stack, upstream } = await started.raw(answerOk);
  await stack.get("/api/v1/items");
  upstream.handle((_request, socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhello");
  });
  const connection = await connectTo(stack.origin);
  connection.write(requestHead(stack.origin, "GET /qlik/api/v1/items HTTP/1.1"));
  await connection.until((text) => text.endsWith("hello"));
  const asked = upstream.seen.length;
  connection.write(requestHead(stack.origin, `GET ${path} HTTP/1.1`, handshake));
  await connection.closed;
  expect(connection.received).toMatch(/\r\n\r\nhello$/);
  expect(upstream.seen).toHaveLength(asked);
});

test("a handshake behind an answer that is through is answered as any other", async () => {
  const { stack } = await started.raw(answerOk);
  const connection = await connectTo(stack.origin);
  connection.write(requestHead(stack.origin, "GET /qlik/api/v1/items HTTP/1.1"));
  await connection.until((text) => text.endsWith("ok"));
  connection.write(requestHead(stack.origin, "GET /qlik/nothing/here HTTP/1.1", handshake));
  await connection.closed;
  expect(connection.received).toMatch(/okHTTP\/1\.1 404/);
});

test("a handshake behind an answer whose host ends it a moment late is answered too", async () => {
  const { stack } = await started.raw(answerOk, {
    mount: () => (_request, response) => {
      response.writeHead(200, { "content-length": 4 }).write("last");
      setTimeout(() => response.end(), 50);
    },
  });
  const connection = await connectTo(stack.origin);
  connection.write(requestHead(stack.origin, "GET /of/the/host HTTP/1.1"));
  await connection.until((text) => text.endsWith("last"));
  connection.write(requestHead(stack.origin, "GET /qlik/nothing/here HTTP/1.1", handshake));
  await connection.closed;
  expect(connection.received).toMatch(/lastHTTP\/1\.1 404/);
});

test("an answer to a request that expects something counts as any other", async () => {
  const { stack } = await started.raw(answerOk);
  stack.server.on("checkContinue", (_request, response) => {
    response.writeHead(200, { "content-length": 100 }).write("hello");
  });
  const connection = await connectTo(stack.origin);
  connection.write(requestHead(stack.origin, "GET /of/the/host HTTP/1.1", ["Expect: 100-continue"]));
  await connection.until((text) => text.endsWith("hello"));
  connection.write(requestHead(stack.origin, "GET /qlik/nothing/here HTTP/1.1", handshake));
  await connection.closed;
  expect(connection.received).toMatch(/\r\n\r\nhello$/);
});

test("an answer that ends with its connection, and is not read, does not end in another", async () => {
  const { stack, upstream } = await started.raw(answerOk, {
    mount: (proxy) => (request, response) => {
      if (request.url === "/of/the/host") response.end(Buffer.alloc(30_000_000, "a"));
      else proxy(request, response);
    },
  });
  await stack.get("/api/v1/items");
  const asked = upstream.seen.length;
  const connection = await connectTo(stack.origin);
  connection.write(requestHead(stack.origin, "GET /of/the/host HTTP/1.0", ["Connection: keep-alive"]));
  await connection.until((text) => text.includes("aaa"));
  connection.socket.pause();
  connection.write(requestHead(stack.origin, "GET /qlik/app/a HTTP/1.1", handshake));
  // Longer than a handshake waits for its turn.
  await new Promise((resolve) => setTimeout(resolve, 1200));
  connection.socket.resume();
  await connection.closed;
  expect(connection.received.slice(-100)).toBe("a".repeat(100));
  expect(upstream.seen).toHaveLength(asked);
});
