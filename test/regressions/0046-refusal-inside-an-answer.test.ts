/*
 * Two requests on one connection, and bytes behind them that are no request. That an answer is under way was remembered for
 * the connection, and forgotten when the first of the two was through: the refusal of the rest was written into the middle of
 * the second. Found by the fuzzer, with a stream of events as the second answer.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { refuseConnection } from "../../src/server/refuse-connection.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test("bytes that are no request break an answer off, and are not answered inside it", async () => {
  const server = createServer((request, response: ServerResponse) => {
    if (request.url === "/first") response.end("first");
    else response.write("second");
  });
  refuseConnection(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  started.keep({ close: () => new Promise((resolve) => server.close(resolve)) });
  const origin = `http://portal.localhost:${(server.address() as AddressInfo).port}`;
  const connection = await connectTo(origin);
  connection.write(requestHead(origin, "GET /first HTTP/1.1") + requestHead(origin, "GET /second HTTP/1.1"));
  await connection.until((text) => text.includes("second"));
  connection.write("no request\r\n\r\n");
  await connection.closed;
  expect(connection.received).toMatch(/\r\n6\r\nsecond\r\n$/);
});
