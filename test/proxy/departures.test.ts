import * as http from "node:http";
import * as net from "node:net";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/assertions.ts";
import { connectTo, requestHead, type RawConnection } from "../support/raw-connection.ts";
import { answerOk, forwarded, type RawHandler } from "../support/raw-upstream.ts";
import { type Stack, type StackOptions } from "../support/stack.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";
import { loginPathOf, tenantKind } from "../support/tenant-kind.ts";

const started = cleanedUp();
const path = "/api/v1/echo/a";
const ok = "HTTP/1.1 200 OK\r\n";

/** A session with its token, and no open connection to the tenant. */
async function quiet(handler: RawHandler = answerOk, proxy: StackOptions["proxy"] = {}): Promise<RawStack> {
  // undici opens a spare connection in the place of one that was broken off; it is not to idle for long.
  const both = await started.raw(answerOk, { proxy: { upstream: { idle: 50 }, ...proxy } });
  await both.stack.get(path, { method: "POST" });
  for (const socket of both.upstream.sockets) socket.destroy();
  await eventually(() => expect(both.upstream.sockets.size).toBe(0));
  both.upstream.handle(handler);
  return both;
}

async function open(stack: Stack, line: string, headers: readonly string[] = []): Promise<RawConnection> {
  const connection = await connectTo(stack.origin);
  connection.write(requestHead(stack.origin, line, headers));
  return connection;
}

const get = `GET /qlik${path} HTTP/1.1`;
const post = `POST /qlik${path} HTTP/1.1`;

async function expectNothingLeft({ stack, upstream }: RawStack): Promise<void> {
  await eventually(() => {
    expect(stack.proxy.stats()).toMatchObject({ inFlight: 0, sockets: 0, sessions: 1 });
    expect(upstream.sockets.size).toBe(0);
  });
  upstream.handle(answerOk);
  upstream.onConnection(() => {});
  expect((await stack.get(path)).text).toBe("ok");
}

describe.each([
  ["leaves", (connection: RawConnection) => connection.socket.destroy()],
  ["is reset", (connection: RawConnection) => connection.socket.resetAndDestroy()],
])("a browser that %s", (_how, leave) => {
  test("while the tenant thinks takes its request back", async () => {
    const both = await quiet(() => {});
    const connection = await open(both.stack, get);
    await eventually(() => expect(both.upstream.seen.at(-1)?.method).toBe("GET"));
    expect(both.upstream.sockets.size).toBe(1);
    leave(connection);
    await expectNothingLeft(both);
  });

  test("in the middle of its upload breaks the upload off at the tenant", async () => {
    const both = await quiet();
    let taken = 0;
    both.upstream.onConnection((socket) => socket.on("data", (chunk: Buffer) => (taken += chunk.length)));
    const connection = await open(both.stack, post, ["Content-Length: 1000000"]);
    connection.write(Buffer.alloc(100_000));
    await eventually(() => expect(taken).toBeGreaterThan(100_000));
    leave(connection);
    await expectNothingLeft(both);
    // The half request was never taken for a whole one.
    expect(forwarded(both.upstream.seen).filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  test("in the middle of a download stops the tenant", async () => {
    const both = await quiet(
      (_request, socket) => void socket.write(`${ok}Content-Length: 1000000\r\n\r\nhello`),
    );
    const connection = await open(both.stack, get);
    await connection.until((text) => text.endsWith("hello"));
    leave(connection);
    await expectNothingLeft(both);
  });

  test("in the middle of a body that is rewritten stops the tenant", async () => {
    const both = await quiet((_request, socket) => {
      socket.write(`${ok}Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n["hello`);
    });
    const connection = await open(both.stack, get);
    await connection.until((text) => text.includes('["hello'));
    leave(connection);
    await expectNothingLeft(both);
  });

  test("during its login leaves a session, and no request", async () => {
    const stack = await started.stack();
    stack.tenant.fault({ kind: "delay", ms: 100, path: loginPathOf(tenantKind) });
    const connection = await open(stack, "GET /qlik/api/v1/users/me HTTP/1.1");
    await eventually(() => expect(stack.tenant.recordings()).toHaveLength(1));
    leave(connection);
    await eventually(() => expect(stack.proxy.stats()).toMatchObject({ sessions: 1, inFlight: 0 }));
    expect(stack.tenant.recordings({ path: "/api/v1/users/me" })).toEqual([]);
  });

  test("while a connection to the tenant is being made gives it up", async () => {
    const mute = await startMute();
    const stack = await started.stack({
      tenantOrigin: `https://tenant.localhost:${mute.port}`,
      proxy: { timeouts: { connect: 1000 } },
    });
    const connection = await open(stack, "GET /qlik/resources/a.js HTTP/1.1");
    await eventually(() => expect(mute.sockets.size).toBe(1));
    leave(connection);
    await eventually(() => expect(stack.proxy.stats().inFlight).toBe(0));
    await eventually(() => expect(mute.sockets.size).toBe(0));
  });
});

describe("a browser that is slow", () => {
  const flood = 256;
  const piece = Buffer.alloc(256 * 1024, "x");

  test("to read holds the tenant back, and is cut off after a time", async () => {
    let written = 0;
    const both = await quiet(
      (_request, socket) => {
        socket.write(`${ok}Content-Length: ${flood * piece.length}\r\n\r\n`);
        const more = (): void => {
          while (written < flood && socket.write(piece)) written += 1;
        };
        socket.on("drain", more);
        more();
      },
      { timeouts: { bodyIdle: 1000 } },
    );
    const connection = await open(both.stack, get);
    connection.socket.pause();
    await eventually(() => expect(both.stack.proxy.stats().inFlight).toBe(0));
    expect(written).toBeLessThan(flood / 2);
    connection.socket.destroy();
    await expectNothingLeft(both);
  });

  test.each([
    ["with a length", "Content-Length: 1000", "hello"],
    ["in chunks", "Transfer-Encoding: chunked", "5\r\nhello\r\n"],
  ])("to send its body %s is told so and cut off", async (_name, framing, part) => {
    const both = await quiet(answerOk, { timeouts: { bodyIdle: 300 } });
    const connection = await open(both.stack, post, [framing]);
    connection.write(part);
    await connection.closed;
    expect(connection.received).toMatch(/^HTTP\/1\.1 504 /);
    expect(connection.received).toMatch(/QSP-TIMEOUT/);
    await expectNothingLeft(both);
  });
});

describe("an answer before the end of the upload", () => {
  test.each([
    [
      "closes behind it",
      `HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nstop!`,
      true,
    ],
    ["stays open", `HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nstop!`, false],
  ])("reaches the browser where the tenant %s", async (_name, answer, closes) => {
    const both = await quiet();
    both.upstream.onConnection((socket) =>
      socket.once("data", () => {
        socket.write(answer);
        if (closes) socket.end();
      }),
    );
    const size = 10 * 1024 * 1024;
    const { status, text, sent, ends } = await upload(both.stack, size);
    expect([status, text, ends]).toEqual([413, "stop!", true]);
    expect(sent).toBeLessThan(size);
    await expectNothingLeft(both);
  });

  test("a tenant that cannot be reached is told to a browser that goes on sending, and the connection ends", async () => {
    const both = await quiet((_request, socket) => socket.resetAndDestroy());
    both.upstream.onConnection((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const { status, text, ends } = await upload(both.stack, 10 * 1024 * 1024);
    expect([status, text, ends]).toEqual([502, expect.stringContaining("QSP-UPSTREAM"), true]);
    await expectNothingLeft(both);
  });
});

/** Uploads until an answer has come; how much was taken until then. */
function upload(
  stack: Stack,
  size: number,
): Promise<{
  readonly status: number;
  readonly text: string;
  readonly sent: number;
  readonly ends: boolean;
}> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    const { host, port } = new URL(stack.origin);
    const request = http.request(
      {
        host: "127.0.0.1",
        port,
        path: `/qlik${path}`,
        method: "POST",
        agent: false,
        headers: { host, "content-length": size, "sec-fetch-site": "same-origin", "x-test-user": "ann" },
      },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => {
          request.destroy();
          resolve({
            status: response.statusCode ?? 0,
            text,
            sent,
            ends: response.headers.connection === "close",
          });
        });
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    const piece = Buffer.alloc(64 * 1024);
    const more = (): void => {
      while (sent < size && !request.destroyed) {
        sent += piece.length;
        if (!request.write(piece)) return;
      }
    };
    request.on("drain", more);
    more();
  });
}

/** Takes connections and never says a word. */
async function startMute(): Promise<{ readonly port: number; readonly sockets: ReadonlySet<net.Socket> }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  started.keep({
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}
