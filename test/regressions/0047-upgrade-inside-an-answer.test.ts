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
