import { describe, expect, test } from "vitest";
import { eventually } from "../support/assertions.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import type { SeenRequest } from "../support/raw-upstream.ts";
import { forwarded } from "../support/raw-upstream.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";

const started = cleanedUp();

/** A request that a client hides in what it calls a body. */
const hidden = "GET /api/v1/hidden HTTP/1.1\r\nHost: tenant.localhost\r\nCookie: stolen=1\r\n\r\n";

const chunk = (text: string, extension = ""): string =>
  `${text.length.toString(16)}${extension}\r\n${text}\r\n`;

/** The browser's requests as a lenient server took them from the bytes. */
const taken = (seen: readonly SeenRequest[]): readonly string[] =>
  forwarded(seen).map(({ line, target, path }) => line.replace(target, () => path));

async function sendRaw({ stack }: RawStack, bytes: string): Promise<string> {
  const connection = await connectTo(stack.origin);
  connection.write(bytes);
  const text = await connection.until((all) => all.endsWith("ok"));
  connection.socket.destroy();
  return text;
}

/** Nothing of a request may have reached the tenant, and the connection is not to be trusted any further. */
async function expectRefusal(both: RawStack, bytes: string, status: RegExp): Promise<void> {
  const connection = await connectTo(both.stack.origin);
  connection.write(bytes);
  await connection.closed;
  expect(connection.received).toMatch(status);
  expect(connection.received.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(taken(both.upstream.seen)).toEqual([]);
  expect((await both.stack.get("/api/v1/echo/after")).status).toBe(200);
}

describe("a body is always framed by us", () => {
  test.each(["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH"])(
    "a request hidden in the chunks of %s stays a body",
    async (method) => {
      const both = await started.raw(
        (request, socket) =>
          void socket.write(
            `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${request.method === "HEAD" ? "" : "ok"}`,
          ),
      );
      const head = requestHead(both.stack.origin, `${method} /qlik/api/v1/echo/a HTTP/1.1`, [
        "Transfer-Encoding: chunked",
      ]);
      const connection = await connectTo(both.stack.origin);
      connection.write(`${head}${chunk(hidden)}0\r\n\r\n`);
      await connection.until((all) => /^HTTP\/1\.1 200 .*\r\n\r\n/s.test(all));
      connection.socket.destroy();
      await both.stack.get("/api/v1/echo/after");
      expect(taken(both.upstream.seen)).toEqual([
        `${method} /api/v1/echo/a HTTP/1.1`,
        "GET /api/v1/echo/after HTTP/1.1",
      ]);
      const request = both.upstream.seen.find(({ path }) => path === "/api/v1/echo/a");
      expect(
        request?.headers.filter(([name]) => name === "transfer-encoding" || name === "content-length"),
      ).toEqual([["transfer-encoding", "chunked"]]);
      expect(request?.body).toContain(hidden);
    },
  );

  test.each(["GET", "HEAD", "OPTIONS", "DELETE", "POST"])(
    "a request hidden in the body of %s stays a body",
    async (method) => {
      const both = await started.raw(
        (request, socket) =>
          void socket.write(
            `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${request.method === "HEAD" ? "" : "ok"}`,
          ),
      );
      await both.stack.get("/api/v1/echo/a", { method, body: hidden });
      await both.stack.get("/api/v1/echo/after");
      expect(taken(both.upstream.seen)).toHaveLength(2);
      const request = both.upstream.seen.find(({ path }) => path === "/api/v1/echo/a");
      expect([request?.header("content-length"), request?.body]).toEqual([String(hidden.length), hidden]);
    },
  );

  test("a client cannot have the framing taken off by naming it in Connection", async () => {
    const both = await started.raw();
    const head = requestHead(both.stack.origin, "DELETE /qlik/api/v1/echo/a HTTP/1.1", [
      "Connection: transfer-encoding, content-length",
      "Transfer-Encoding: chunked",
    ]);
    await sendRaw(both, `${head}${chunk(hidden)}0\r\n\r\n`);
    expect(taken(both.upstream.seen)).toEqual(["DELETE /api/v1/echo/a HTTP/1.1"]);
    expect(both.upstream.seen.at(-1)?.header("transfer-encoding")).toBe("chunked");
  });

  test("chunk extensions and trailers end here", async () => {
    const both = await started.raw();
    const head = requestHead(both.stack.origin, "POST /qlik/api/v1/echo/a HTTP/1.1", [
      "Transfer-Encoding: chunked",
      "Trailer: X-Late",
    ]);
    const text = await sendRaw(
      both,
      `${head}${chunk("hello", ';name="a;b"')}0;x=y\r\nX-Late: canary\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    const request = both.upstream.seen.at(-1);
    expect(request?.body).toBe("5\r\nhello\r\n");
    expect(JSON.stringify(request)).not.toMatch(/canary|name=|trailer/i);
  });

  test("a request after another on one connection is judged for itself", async () => {
    const both = await started.raw();
    const first = requestHead(both.stack.origin, "POST /qlik/api/v1/echo/a HTTP/1.1", ["Content-Length: 2"]);
    const second = "GET /qlik/api/v1/spaces HTTP/1.1\r\nHost: evil.example\r\nx-test-user: ann\r\n\r\n";
    const connection = await connectTo(both.stack.origin);
    connection.write(`${first}hi${second}`);
    const text = await connection.until((all) => all.includes("traceId"));
    connection.socket.destroy();
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 404"]);
    expect(taken(both.upstream.seen)).toEqual(["POST /api/v1/echo/a HTTP/1.1"]);
  });
});

describe("what two readers could read in two ways is refused", () => {
  const post = "POST /qlik/api/v1/echo/a HTTP/1.1";
  test.each([
    ["a length and chunks", ["Content-Length: 4", "Transfer-Encoding: chunked"], `0\r\n\r\n${hidden}`],
    ["chunks and a length", ["Transfer-Encoding: chunked", "Content-Length: 4"], `0\r\n\r\n${hidden}`],
    ["two lengths", ["Content-Length: 2", "Content-Length: 5"], "hello"],
    ["two equal lengths", ["Content-Length: 5", "Content-Length: 5"], "hello"],
    ["two lengths in another case", ["Content-Length: 2", "content-length: 5"], "hello"],
    ["a list of lengths", ["Content-Length: 5, 5"], "hello"],
    ["a signed length", ["Content-Length: +5"], "hello"],
    ["a negative length", ["Content-Length: -5"], "hello"],
    ["a hexadecimal length", ["Content-Length: 0x5"], "hello"],
    ["an empty length", ["Content-Length:"], "hello"],
    ["a length beyond counting", ["Content-Length: 99999999999999999999"], "hello"],
    ["an unknown coding", ["Transfer-Encoding: xchunked"], chunk("hello") + "0\r\n\r\n"],
    ["a coding beside chunks", ["Transfer-Encoding: gzip, chunked"], chunk("hello") + "0\r\n\r\n"],
    ["chunks that are not last", ["Transfer-Encoding: chunked, identity"], chunk("hello") + "0\r\n\r\n"],
    [
      "chunks twice",
      ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
      chunk("hello") + "0\r\n\r\n",
    ],
    ["chunks twice in one line", ["Transfer-Encoding: chunked, chunked"], chunk("hello") + "0\r\n\r\n"],
    ["a space before the colon", ["Transfer-Encoding : chunked"], chunk("hello") + "0\r\n\r\n"],
    ["a tab in front of chunked", ["Transfer-Encoding:\u000bchunked"], chunk("hello") + "0\r\n\r\n"],
    ["a folded line", ["X-Folded: a", " Transfer-Encoding: chunked"], ""],
    ["a folded coding", ["Transfer-Encoding:", " chunked"], chunk("hello") + "0\r\n\r\n"],
    ["a name with a space", ["X Bad: 1"], ""],
    ["a line without a colon", ["broken"], ""],
    ["a NUL in a value", ["X-Bad: a\0b"], ""],
    ["a bare CR in a value", ["X-Bad: a\rTransfer-Encoding: chunked"], ""],
    ["two hosts", ["Host: other.example"], ""],
  ])("%s", async (_name, headers, body) => {
    const both = await started.raw();
    await expectRefusal(both, requestHead(both.stack.origin, post, headers) + body, /^HTTP\/1\.1 400 /);
  });

  test.each([
    ["lines that end in LF alone", (bytes: string) => bytes.replaceAll("\r\n", "\n")],
    ["one line that ends in LF alone", (bytes: string) => bytes.replace("same-origin\r\n", "same-origin\n")],
    ["an unknown protocol", (bytes: string) => bytes.replace("HTTP/1.1", "HTTP/3.7")],
    [
      "chunks in HTTP/1.0",
      (bytes: string) =>
        `${bytes.replace("1.1", "1.0").replace("x-test", "Transfer-Encoding: chunked\r\nx-test")}0\r\n\r\n`,
    ],
    ["no protocol", (bytes: string) => bytes.replace(" HTTP/1.1", "")],
    ["a space in the target", (bytes: string) => bytes.replace("/echo/", "/ec ho/")],
    ["no host", (bytes: string) => bytes.replace(/Host: .*\r\n/, "")],
    ["bytes that are no request", () => "\u0016\u0003\u0001\u0002\0\u0001\0\r\n\r\n"],
  ])("%s", async (_name, change) => {
    const both = await started.raw();
    await expectRefusal(
      both,
      change(requestHead(both.stack.origin, "GET /qlik/api/v1/echo/a HTTP/1.1")),
      /^HTTP\/1\.1 400 /,
    );
  });

  test.each([
    ["no number", "xyz\r\nhello\r\n0\r\n\r\n"],
    ["a number with a sign", "+5\r\nhello\r\n0\r\n\r\n"],
    ["a number with 0x", "0x5\r\nhello\r\n0\r\n\r\n"],
    ["more than it says", "3\r\nhello\r\n0\r\n\r\n"],
    ["a number beyond counting", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"],
    ["LF alone behind its number", "5\nhello\r\n0\r\n\r\n"],
  ])("a chunk with %s ends the exchange, and nothing whole reaches the tenant", async (_name, body) => {
    const both = await started.raw();
    const head = requestHead(both.stack.origin, post, ["Transfer-Encoding: chunked"]);
    const connection = await connectTo(both.stack.origin);
    connection.write(head + body + hidden);
    await connection.closed;
    expect(connection.received).not.toMatch(/^HTTP\/1\.1 200/);
    await eventually(() => expect(both.stack.proxy.stats().inFlight).toBe(0));
    expect(taken(both.upstream.seen)).toEqual([]);
    expect((await both.stack.get("/api/v1/echo/after")).status).toBe(200);
  });

  test.each([
    ["a head of 100 kB", `X-Large: ${"a".repeat(100_000)}`],
    [
      "a head of very many lines",
      Array.from({ length: 5000 }, (_each, index) => `X-${index}: 1`).join("\r\n"),
    ],
    ["a cookie of 70 kB", `Cookie: a=${"b".repeat(70_000)}`],
  ])("%s is 431", async (_name, header) => {
    const both = await started.raw();
    await expectRefusal(
      both,
      requestHead(both.stack.origin, "GET /qlik/api/v1/echo/a HTTP/1.1", [header]),
      /^HTTP\/1\.1 431 /,
    );
  });

  test.each([
    ["absolute", "GET http://169.254.169.254/qlik/api/v1/echo/a HTTP/1.1", 400],
    ["of the tenant itself", "GET http://tenant.localhost/qlik/api/v1/echo/a HTTP/1.1", 400],
    ["beginning with two slashes", "GET //evil.example/qlik/api/v1/echo/a HTTP/1.1", 400],
    ["an asterisk", "OPTIONS * HTTP/1.1", 400],
    ["with dots", "GET /qlik/api/v1/echo/../spaces HTTP/1.1", 400],
    ["with escaped dots", "GET /qlik/api/v1/echo/%2e%2e/spaces HTTP/1.1", 400],
    ["with dots escaped twice", "GET /qlik/api/v1/echo/%252e%252e/spaces HTTP/1.1", 400],
    ["with dots and parameters", "GET /qlik/api/v1/echo/..;/spaces HTTP/1.1", 400],
    ["with a backslash", "GET /qlik/api/v1/echo/..\\spaces HTTP/1.1", 400],
    ["with an empty segment", "GET /qlik//api/v1/echo/a HTTP/1.1", 400],
    ["with a fragment", "GET /qlik/api/v1/echo/a#/b HTTP/1.1", 400],
    ["with a NUL", "GET /qlik/api/v1/echo/%00 HTTP/1.1", 400],
    ["of a look-alike", "GET /qlikevil/api/v1/echo/a HTTP/1.1", 404],
    ["with an allowed path in its query", "GET /qlik/api/v1/spaces?/api/v1/echo/a HTTP/1.1", 404],
    ["with another method", "TRACE /qlik/api/v1/echo/a HTTP/1.1", 404],
  ])("a target %s goes nowhere", async (_name, line, status) => {
    const both = await started.raw();
    const connection = await connectTo(both.stack.origin);
    connection.write(requestHead(both.stack.origin, line));
    const text = await connection.until((all) => all.includes("\r\n\r\n"));
    connection.socket.destroy();
    expect([text.slice(0, 12), both.upstream.seen]).toEqual([`HTTP/1.1 ${status}`, []]);
  });

  test("CONNECT opens nothing", async () => {
    const both = await started.raw();
    const connection = await connectTo(both.stack.origin);
    connection.write("CONNECT tenant.localhost:443 HTTP/1.1\r\nHost: tenant.localhost:443\r\n\r\n");
    await connection.closed;
    expect([connection.received.startsWith("HTTP/1.1 200"), both.upstream.seen]).toEqual([false, []]);
  });
});
