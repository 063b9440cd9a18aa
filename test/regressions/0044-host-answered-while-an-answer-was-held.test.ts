/*
 * A host that answers by itself, as a time-out middleware does, while the proxy looks at an answer of the tenant before it
 * lets the browser have it. The answer could not be passed on any more, and its connection to the tenant was left open, paused.
 */
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { eventually } from "../support/assertions.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { answerOk } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const path = "/api/v1/echo/a";

test("the held answer's connection is closed", async () => {
  const responses: ServerResponse[] = [];
  const { stack, upstream } = await started.raw(answerOk, {
    proxy: { upstream: { idle: 50 } },
    mount: (proxy) => (request, response) => {
      responses.push(response);
      proxy(request, response, () => response.end());
    },
  });
  await stack.get(path, { method: "POST" });
  upstream.handle((_request, socket) => {
    responses.at(-1)?.writeHead(503).write("the host's own");
    const body = Buffer.alloc(100_000, " ");
    socket.write(`HTTP/1.1 403 No\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n`);
    socket.write(body);
  });
  const connection = await connectTo(stack.origin);
  connection.write(requestHead(stack.origin, `POST /qlik${path} HTTP/1.1`, ["Content-Length: 0"]));
  await connection.closed;
  expect(connection.received).toMatch(/^HTTP\/1.1 503 /);
  await eventually(() => {
    expect(stack.proxy.stats().inFlight).toBe(0);
    expect(upstream.sockets.size).toBe(0);
  });
});
