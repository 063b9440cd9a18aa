/*
 * Two requests on one connection, and bytes behind them that are no request. That an answer is under way was remembered for
 * the connection, and forgotten when the first of the two was through: the refusal of the rest was written into the middle of
 * the second. Found by the fuzzer, with a stream of events as the second answer.
 */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { refuseConnection } from "../../src/server/refuse-connection.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

/** A server that refuses what is no request. */
async function start(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  refuseConnection(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  started.keep({ close: () => new Promise((resolve) => server.close(resolve)) });
  return `http://portal.localhost:${(server.address() as AddressInfo).port}`;
}

test("bytes that are no request break an answer off, and are not answered inside it", async () => {
  const origin = await start((request, response) => {
    if (request.url === "/first") response.end("first");
    else response.write("second");
  });
  const connection = await connectTo(origin);
  connection.write(requestHead(origin, "GET /first HTTP/1.1") + requestHead(origin, "GET /second HTTP/1.1"));
  await connection.until((text) => text.includes("second"));
  connection.write("no request\r\n\r\n");
  await connection.closed;
  expect(connection.received).toMatch(/\r\n6\r\nsecond\r\n$/);
});

test("an answer that ends with its connection, and is not read, does not end in a refusal", async () => {
  const origin = await start((_request, response) => response.end(Buffer.alloc(30_000_000, "a")));
  const connection = await connectTo(origin);
  connection.write(requestHead(origin, "GET /big HTTP/1.0", ["Connection: keep-alive"]));
  await connection.until((text) => text.includes("aaa"));
  connection.socket.pause();
  connection.write("no request\r\n\r\n");
  await new Promise((resolve) => setTimeout(resolve, 300));
  connection.socket.resume();
  await connection.closed;
  expect(connection.received.slice(-100)).toBe("a".repeat(100));
});
