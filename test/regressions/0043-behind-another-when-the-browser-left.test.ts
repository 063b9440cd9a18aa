/*
 * Two requests on one connection, the second sent before the first was answered. node binds a response to the connection only
 * when its turn comes; if the browser left before, nobody told the second exchange. Its answer filled the response's buffer,
 * and the connection to the tenant stayed open, paused, for ever. Node 24 tells it, but leaves a connection open whose next answer
 * was taken back: the browser waited for that.
 */
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/assertions.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { answerOk } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const path = "/api/v1/echo/a";

type Handler = (path: string, socket: Socket) => void;

/** Both requests of one connection are at the tenant; the first stays without an answer. */
async function twoInOne(answerSecond: Handler) {
  const closed: string[] = [];
  const { stack, upstream } = await started.raw(answerOk, {
    proxy: { upstream: { idle: 50 } },
    mount: (proxy) => (request, response) => {
      response.on("close", () => closed.push(request.url?.split("?")[1] ?? ""));
      proxy(request, response);
    },
  });
  await stack.get(path);
  closed.length = 0;
  upstream.handle((request, socket) => {
    if (request.path.endsWith("?second")) answerSecond(request.path, socket);
  });
  const connection = await connectTo(stack.origin);
  for (const each of ["first", "second"])
    connection.write(requestHead(stack.origin, `GET /qlik${path}?${each} HTTP/1.1`));
  await eventually(() => expect(upstream.seen.at(-1)?.path).toBe(`${path}?second`));
  return { stack, upstream, connection, closed };
}

const head = (type: string): string => `HTTP/1.1 200 OK\r\n${type}\r\nContent-Length: 1000000\r\n\r\n`;

describe.each<[string, Handler]>([
  [
    "is big",
    (_path, socket) => void socket.write(`${head("Content-Type: text/plain")}${"z".repeat(100_000)}`),
  ],
  ["has not come yet", () => {}],
])("a second answer that %s", (_what, answerSecond) => {
  test("is taken back when the browser left before its turn", async () => {
    const { stack, upstream, connection, closed } = await twoInOne(answerSecond);
    connection.socket.destroy();
    await eventually(() => {
      expect(stack.proxy.stats().inFlight).toBe(0);
      expect(upstream.sockets.size).toBe(0);
    });
    expect(closed.toSorted()).toEqual(["first", "second"]);
  });
});

test("a second answer that breaks is taken back before its turn, and breaks the connection when it comes", async () => {
  const { stack, upstream, connection, closed } = await twoInOne((_path, socket) => {
    socket.write(`${head("Content-Type: application/json\r\nContent-Encoding: br")}${"z".repeat(100_000)}`);
  });
  await eventually(() => {
    expect(stack.proxy.stats().inFlight).toBe(1);
    expect(upstream.sockets.size).toBe(1);
  });
  const [first] = upstream.sockets;
  first?.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  await connection.closed;
  expect(connection.received).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\nok$/);
  await eventually(() => expect(stack.proxy.stats().inFlight).toBe(0));
  // A host is told once of each.
  expect(closed).toEqual(["second", "first"]);
});
