/*
 * Two requests in one packet, the second with `Expect: 100-continue`. While the first was being answered, node kept its
 * "100 Continue" for the second back, and then put the head of the second answer before it: the interim answer stood where the
 * body was to begin, and what the client took for the next answer was the end of that body.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answerOk, startRawUpstream, type RawUpstream } from "../support/raw-upstream.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { startStack, type Stack } from "../support/stack.ts";

let upstream: RawUpstream;
let stack: Stack;

beforeAll(async () => {
  upstream = await startRawUpstream();
  stack = await startStack({ tenantOrigin: upstream.origin });
});

afterAll(async () => {
  await stack.close();
  await upstream.close();
});

/** Resolves when the next exchange is over. */
const nextExchange = (): Promise<void> =>
  new Promise((resolve) => {
    const heard = (): void => {
      unsubscribe("qsp:exchange", heard);
      resolve();
    };
    subscribe("qsp:exchange", heard);
  });

test.each([
  ["ours", "/qlik/nothing/here", "404 Not Found", /^\{"errors":.*\}$/],
  ["the tenant's", "/qlik/api/v1/items?second", "200 OK", /^ok$/],
])(
  "a 100 that waits for its turn comes before the answer, also before %s",
  async (_whose, path, status, body) => {
    const secondIsDone = nextExchange();
    upstream.handle((request, socket) => {
      if (request.path.endsWith("?first")) void secondIsDone.then(() => answerOk(request, socket));
      else answerOk(request, socket);
    });
    const connection = await connectTo(stack.origin);
    connection.write(
      requestHead(stack.origin, "GET /qlik/api/v1/items?first HTTP/1.1") +
        requestHead(stack.origin, `GET ${path} HTTP/1.1`, ["Expect: 100-continue", "Connection: close"]),
    );
    await connection.closed;
    const [, continued = "", answer = ""] = connection.received.split(/(?=HTTP\/1\.1 )/);
    expect(continued).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    expect(answer).toContain(`HTTP/1.1 ${status}\r\n`);
    expect(answer.slice(answer.indexOf("\r\n\r\n") + 4)).toMatch(body);
  },
);
