import type { Socket } from "node:net";
import * as zlib from "node:zlib";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/assertions.ts";
import type { RawAnswer } from "../support/raw-client.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { answerOk, type RawHandler, type RawUpstream } from "../support/raw-upstream.ts";
import type { StackOptions } from "../support/stack.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";

const started = cleanedUp();

/** Small waits, so that a test meets them; and no connection idles on. */
const impatient: NonNullable<StackOptions["proxy"]> = {
  timeouts: { connect: 300, headers: 300, bodyIdle: 300, login: 1000 },
  upstream: { idle: 50 },
};
const faulty = (handler: RawHandler): Promise<RawStack> => started.raw(handler, { proxy: impatient });

/** "cut" where the browser can see that the answer is not whole. */
async function outcomeOf(answer: Promise<RawAnswer>): Promise<string> {
  try {
    const { status, complete, text } = await answer;
    if (!complete) return "cut";
    return `${status}${/QSP-[A-Z-]+/.exec(text)?.[0].replace("QSP-", " QSP-") ?? ""}`;
  } catch {
    return "cut";
  }
}

/** The proxy goes on, with nothing left over. */
async function expectRecovery({ stack, upstream }: RawStack): Promise<void> {
  upstream.handle(answerOk);
  upstream.onConnection(() => {});
  const next = await stack.get("/api/v1/echo/next");
  expect([next.status, next.text]).toEqual([200, "ok"]);
  await expectNothingLeft(stack, upstream);
}

async function expectNothingLeft(stack: RawStack["stack"], upstream: RawUpstream): Promise<void> {
  await eventually(() => {
    expect(stack.proxy.stats()).toMatchObject({ inFlight: 0, sockets: 0, sessions: 1 });
    expect(upstream.sockets.size).toBe(0);
  });
}

const path = "/api/v1/echo/a";
const ok = "HTTP/1.1 200 OK\r\n";

describe("an answer that is none", () => {
  test.each<[string, (socket: Socket) => void, string]>([
    ["a closed connection", (socket) => socket.end(), "502 QSP-UPSTREAM"],
    ["a reset", (socket) => socket.resetAndDestroy(), "502 QSP-UPSTREAM"],
    ["silence", () => {}, "504 QSP-TIMEOUT"],
    [
      "half a head, then the end",
      (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Le"),
      "502 QSP-UPSTREAM",
    ],
    [
      "half a head, then silence",
      (socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Le"),
      "504 QSP-TIMEOUT",
    ],
    [
      "status 000",
      (socket) => void socket.write("HTTP/1.1 000 \r\nContent-Length: 0\r\n\r\n"),
      "502 QSP-UPSTREAM",
    ],
    [
      "status 42",
      (socket) => void socket.write("HTTP/1.1 42 Odd\r\nContent-Length: 0\r\n\r\n"),
      "502 QSP-UPSTREAM",
    ],
    [
      "status 099",
      (socket) => void socket.write("HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n"),
      "502 QSP-UPSTREAM",
    ],
    [
      "status 600",
      (socket) => void socket.write("HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n"),
      "502 QSP-UPSTREAM",
    ],
    [
      "status 1000",
      (socket) => void socket.write("HTTP/1.1 1000 Odd\r\nContent-Length: 0\r\n\r\n"),
      "502 QSP-UPSTREAM",
    ],
    [
      "an unasked 101",
      (socket) => void socket.write("HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
      "502 QSP-UPSTREAM",
    ],
    [
      "no HTTP",
      (socket) => void socket.write("\u0016\u0003\u0001 no http at all\r\n\r\n"),
      "502 QSP-UPSTREAM",
    ],
    [
      "another protocol",
      (socket) => void socket.write("FTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
      "502 QSP-UPSTREAM",
    ],
    [
      "a head of 200 kB",
      (socket) => void socket.write(`${ok}X-Large: ${"a".repeat(200_000)}\r\n\r\n`),
      "502 QSP-UPSTREAM",
    ],
    [
      "a NUL in a header",
      (socket) => void socket.write(`${ok}X-Bad: a\0b\r\nContent-Length: 0\r\n\r\n`),
      "502 QSP-UPSTREAM",
    ],
    [
      "a header without a colon",
      (socket) => void socket.write(`${ok}broken\r\nContent-Length: 0\r\n\r\n`),
      "502 QSP-UPSTREAM",
    ],
    [
      "two lengths",
      (socket) => void socket.write(`${ok}Content-Length: 2\r\nContent-Length: 5\r\n\r\nhello`),
      "502 QSP-UPSTREAM",
    ],
    [
      "a length and chunks",
      (socket) =>
        void socket.write(`${ok}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`),
      "502 QSP-UPSTREAM",
    ],
    [
      "no number for a length",
      (socket) => void socket.write(`${ok}Content-Length: two\r\n\r\nok`),
      "502 QSP-UPSTREAM",
    ],
  ])("%s", async (_name, strike, wanted) => {
    const both = await faulty((_request, socket) => strike(socket));
    expect(await outcomeOf(both.stack.get(path))).toBe(wanted);
    expect(await outcomeOf(both.stack.get(path, { method: "POST", body: "x" }))).toBe(wanted);
    await expectRecovery(both);
  });

  test("only a request without effect is sent again, once", async () => {
    const both = await faulty((_request, socket) => socket.resetAndDestroy());
    const times = (method: string): number =>
      both.upstream.seen.filter((request) => request.path === path && request.method === method).length;
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]) {
      await both.stack.get(path, { method });
    }
    expect(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].map(times)).toEqual([2, 2, 1, 1, 1, 1]);
  });

  test("an idle connection that the tenant closed in the meantime is not noticed", async () => {
    const { stack, upstream } = await started.raw();
    for (let round = 0; round < 5; round += 1) {
      expect((await stack.get(path)).status).toBe(200);
      for (const socket of upstream.sockets) socket.destroy();
    }
  });
});

describe("an answer that breaks off", () => {
  test.each<[string, (socket: Socket) => void]>([
    ["a body shorter than its length", (socket) => socket.end(`${ok}Content-Length: 10\r\n\r\nhello`)],
    [
      "a reset in the body",
      (socket) =>
        void socket.write(`${ok}Content-Length: 10\r\n\r\nhello`, () =>
          setTimeout(() => socket.resetAndDestroy(), 20),
        ),
    ],
    ["a head, then silence", (socket) => void socket.write(`${ok}Content-Length: 10\r\n\r\n`)],
    ["half a body, then silence", (socket) => void socket.write(`${ok}Content-Length: 10\r\n\r\nhello`)],
    [
      "chunks without an end",
      (socket) => socket.end(`${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`),
    ],
    [
      "a broken chunk",
      (socket) => void socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n`),
    ],
    [
      "a chunk longer than it says",
      (socket) => void socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n`),
    ],
  ])("%s", async (_name, strike) => {
    const both = await faulty((_request, socket) => strike(socket));
    expect(await outcomeOf(both.stack.get(path))).toBe("cut");
    await expectRecovery(both);
  });

  const packed =
    (bytes: Buffer): RawHandler =>
    (_request, socket) => {
      socket.write(
        `${ok}Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: ${bytes.length}\r\n\r\n`,
      );
      socket.write(bytes);
    };
  test.each([
    ["JSON that expands without measure", zlib.gzipSync(Buffer.alloc(64 * 1024 * 1024, " "))],
    [
      "compressed JSON that is cut",
      zlib.gzipSync(Buffer.from(JSON.stringify({ a: "b".repeat(5000) }))).subarray(0, -12),
    ],
    ["JSON that says it is compressed", Buffer.from('{"a":1}')],
  ])("%s", async (_name, bytes) => {
    const both = await faulty(packed(bytes));
    const headers = { "accept-encoding": "gzip" };
    expect(await outcomeOf(both.stack.get("/api/v1/items", { headers }))).toBe("cut");
    await expectRecovery(both);
  });

  test("a client that knows the end of a body by the end of the connection sees a reset", async () => {
    const both = await faulty((_request, socket) => {
      socket.write(`${ok}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{"a":`);
    });
    const connection = await connectTo(both.stack.origin);
    connection.write(requestHead(both.stack.origin, "GET /qlik/api/v1/items HTTP/1.0"));
    await connection.until((text) => text.endsWith('{"a":'));
    expect(connection.received).not.toMatch(/content-length|transfer-encoding/i);
    expect(await connection.closed).toBe(true);
    await expectRecovery(both);
  });
});

describe("more than an answer", () => {
  const poison = `${ok}Content-Length: 6\r\n\r\npoison`;

  test.each<[string, string, string]>([
    ["bytes after the end", "GET", `${ok}Content-Length: 2\r\n\r\nok and more`],
    ["a second answer", "GET", `${ok}Content-Length: 2\r\n\r\nok${poison}`],
    ["a second answer to HEAD", "HEAD", `${ok}Content-Length: 2\r\n\r\n${poison}`],
    ["a body in answer to HEAD", "HEAD", `${ok}Content-Length: 6\r\n\r\npoison`],
    ["a body behind 204", "GET", "HTTP/1.1 204 No Content\r\n\r\npoison"],
    ["a body behind 304", "GET", "HTTP/1.1 304 Not Modified\r\n\r\npoison"],
    ["a second answer behind 204", "GET", `HTTP/1.1 204 No Content\r\n\r\n${poison}`],
    [
      "a second answer behind chunks",
      "GET",
      `${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${poison}`,
    ],
    [
      "a trailer",
      "GET",
      `${ok}Trailer: X-Late\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Late: poison\r\n\r\n`,
    ],
    ["a Trailer header without chunks", "GET", `${ok}Trailer: X-Late\r\nContent-Length: 2\r\n\r\nok`],
  ])("%s reaches nobody", async (_name, method, bytes) => {
    const both = await faulty((_request, socket) => void socket.write(bytes));
    const answer = await both.stack.get(path, { method }).catch(() => null);
    expect(JSON.stringify([answer?.text, answer?.rawHeaders])).not.toMatch(/poison|more/);
    both.upstream.handle(answerOk);
    for (let index = 0; index < 3; index += 1) {
      const next = await both.stack.get(path);
      expect([next.status, next.text]).toEqual([200, "ok"]);
    }
    await expectNothingLeft(both.stack, both.upstream);
  });

  test("an answer that nobody asked for, on an idle connection, is nobody's", async () => {
    const { stack, upstream } = await started.raw();
    await stack.get(path);
    const before = [...upstream.sockets];
    for (const socket of before) socket.write(poison);
    await eventually(() => expect(before.filter((socket) => upstream.sockets.has(socket))).toEqual([]));
    expect((await stack.get(path)).text).toBe("ok");
  });
});

describe("a tenant that is not there", () => {
  test("refuses connections: 502 at once, and service as soon as it is back", async () => {
    const { stack, upstream } = await faulty(answerOk);
    await stack.get(path);
    await upstream.close();
    expect(await outcomeOf(stack.get(path))).toBe("502 QSP-UPSTREAM");
    expect(await outcomeOf(stack.get(path, { method: "POST", body: "x" }))).toBe("502 QSP-UPSTREAM");
    expect(stack.proxy.stats()).toMatchObject({ sessions: 1, inFlight: 0 });
    await upstream.reopen();
    expect(await outcomeOf(stack.get(path))).toBe("200");
  });

  test("has never been there: nobody is signed in, and it is told", async () => {
    const { stack, upstream } = await faulty(answerOk);
    await upstream.close();
    expect(await outcomeOf(stack.get(path))).toBe("502 QSP-UPSTREAM");
    expect(stack.proxy.stats()).toMatchObject({ sessions: 0, inFlight: 0 });
  });

  test("has a name that nobody knows", async () => {
    const stack = await started.stack({ tenantOrigin: "http://tenant.invalid:1234", proxy: impatient });
    expect(await outcomeOf(stack.get("/api/v1/users/me"))).toBe("502 QSP-UPSTREAM");
    expect(await outcomeOf(stack.get("/resources/a.js"))).toBe("502 QSP-UPSTREAM");
  });
});
