/*
 * A 304 may say how long the body is that it does not have, and some servers say it with a 204 too. The client library took the
 * missing body for one that was cut, so the exchange counted as failed and the browser's connection was broken off behind the
 * head. An answer that ends with its head has ended, whatever length it names. RFC 9110 §8.6, §15.4.5
 */
import { describe, expect, test } from "vitest";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { answerOk } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

describe.each(["undici", "own"] as const)("%s", (client) => {
  test.each([
    [304, "Not Modified"],
    [204, "No Content"],
  ])("%i with a length leaves the browser its connection", async (status, reason) => {
    const { stack, upstream } = await started.raw(
      (_request, socket) => void socket.write(`HTTP/1.1 ${status} ${reason}\r\nContent-Length: 5\r\n\r\n`),
      { proxy: { upstream: { client } } },
    );
    const connection = await connectTo(stack.origin);
    started.keep({ close: () => connection.socket.destroy() });
    const request = requestHead(stack.origin, "GET /qlik/api/v1/echo/a HTTP/1.1");
    connection.write(request);
    expect(await connection.until((text) => text.includes("\r\n\r\n"))).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} `),
    );
    upstream.handle(answerOk);
    connection.write(request);
    expect(await connection.until((text) => text.endsWith("ok"))).toContain("HTTP/1.1 200 OK");
  });
});
