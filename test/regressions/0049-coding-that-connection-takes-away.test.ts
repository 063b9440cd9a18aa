/*
 * A tenant that names Content-Encoding in Connection takes it off the answer. The body was still opened and packed again by it,
 * and the browser got packed bytes of which nothing said so.
 */
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test("the bytes of a body whose coding is not passed on are left as they are", async () => {
  const body = gzipSync('{"links":{}}');
  const { stack } = await started.raw((_request, socket) => {
    socket.write(
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n` +
        `Connection: keep-alive, content-encoding\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    socket.write(body);
  });
  const answer = await stack.get("/api/v1/items", { headers: { "accept-encoding": "gzip" } });
  expect(answer.header("content-encoding")).toBeUndefined();
  expect(answer.body).toEqual(body);
});
