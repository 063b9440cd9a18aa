/*
 * A host that calls `request.setEncoding` makes text of a body that it does not read. Our own client counted its characters
 * and wrote its bytes, which are more: behind a chunk that ended too early, what a browser wanted was read by the tenant
 * as a request of its own, which no policy had seen. Text is not what was sent, whoever counts it: it is refused.
 */
import { expect, test } from "vitest";
import { startRawUpstream } from "../support/raw-upstream.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { cleanedUp, echoRule } from "../support/started.ts";

const started = cleanedUp();
const hidden = "0\r\n\r\nGET /api/v1/hidden HTTP/1.1\r\nHost: tenant\r\n\r\n";

test.each(["undici", "own"] as const)(
  "%s: a body that a host decodes is one request or none",
  async (client) => {
    const upstream = started.keep(await startRawUpstream());
    const stack = await started.stack({
      tenantOrigin: upstream.origin,
      proxy: { policy: { allow: [echoRule] }, upstream: { client } },
      mount: (proxy) => (request, response) => {
        request.setEncoding("utf8");
        proxy(request, response);
      },
    });
    const body = Buffer.from(`${"\u00e9".repeat(hidden.length + 2)}\r\n${hidden}`);
    const connection = await connectTo(stack.origin);
    connection.write(
      requestHead(stack.origin, "POST /qlik/api/v1/echo/a HTTP/1.1", [
        `Origin: ${stack.origin}`,
        "Transfer-Encoding: chunked",
        "Connection: close",
      ]),
    );
    connection.write(
      Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n0\r\n\r\n")]),
    );
    await connection.closed;
    expect(upstream.seen.map(({ path }) => path)).not.toContain("/api/v1/hidden");
    expect(connection.received).toMatch(/^HTTP\/1\.1 500 /);
    expect(connection.received).toContain("QSP-BODY-CONSUMED");
  },
);
