import * as http2 from "node:http2";
import * as net from "node:net";
import { generate } from "selfsigned";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/assertions.ts";
import { startOwnListener } from "../support/own-listener.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

let pair: { readonly cert: string; readonly private: string };
beforeAll(async () => {
  pair = await generate([{ name: "commonName", value: "localhost" }], { keyType: "ec", algorithm: "sha256" });
});

describe("over HTTP/2, a client that takes nothing of its answers", () => {
  /** Milliseconds. */
  const unread = 300;
  const size = 2 * 1024 * 1024;
  const small = "/qlik/_session";
  const big = "/qlik/api/v1/echo/a";

  /** A proxy behind a listener of ours, and a client of it behind a line that can be stopped. */
  async function serve(settings: http2.Settings = {}) {
    const tls = { cert: pair.cert, key: pair.private };
    const { stack } = await started.raw((_request, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size, "a"));
    });
    const { port, server, open } = await startOwnListener(started, tls, { http2: true, unread });
    server.on("request", (request, response) => stack.proxy(request, response));
    let stop = (): void => {};
    const line = net.createServer((near) => {
      const far = net.connect(port, "127.0.0.1");
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) socket.on("error", () => {});
      far.on("close", () => near.destroy());
      near.on("close", () => far.destroy());
      stop = () => void far.unpipe(near).pause();
    });
    await new Promise<void>((resolve) => line.listen(0, "127.0.0.1", resolve));
    const { port: at } = line.address() as net.AddressInfo;
    const session = http2.connect(`https://127.0.0.1:${at}`, {
      ca: pair.cert,
      servername: "localhost",
      settings,
    });
    session.on("error", () => {});
    started.keep({
      close() {
        session.destroy();
        line.close();
      },
    });
    const request = (path: string): http2.ClientHttp2Stream => {
      const stream = session.request({
        ":path": path,
        ":authority": new URL(stack.origin).host,
        "x-test-user": "ann",
        "sec-fetch-site": "same-origin",
      });
      stream.on("error", () => {});
      return stream;
    };
    return { server, session, open, request, stop: () => stop() };
  }

  const codeOf = (stream: http2.ClientHttp2Stream): Promise<number | undefined> =>
    new Promise((resolve) => stream.on("close", () => resolve(stream.rstCode)));

  test("because its windows are nothing has each stream reset, and its neighbours that read are answered", async () => {
    const { request } = await serve({ initialWindowSize: 0 });
    const codes = await Promise.all(Array.from({ length: 100 }, () => codeOf(request(small))));
    expect(new Set(codes)).toEqual(new Set([http2.constants.NGHTTP2_CANCEL]));
    // One that takes a little at a time, for longer than the limit, is slow and no more.
    const other = await serve({ initialWindowSize: 64 * 1024 });
    const slow = other.request(big);
    let received = 0;
    const from = performance.now();
    slow.on("data", (chunk: Buffer) => {
      received += chunk.length;
      if (performance.now() - from > 3 * unread) return;
      slow.pause();
      setTimeout(() => slow.resume(), 20);
    });
    expect([await codeOf(slow), received]).toEqual([http2.constants.NGHTTP2_NO_ERROR, size]);
  });

  test("because it does not read its connection is cut off, also in a drain", async () => {
    const { open, request, server, session, stop } = await serve({ initialWindowSize: 2 ** 31 - 1 });
    await new Promise((resolve) => request(small).on("close", resolve).resume());
    session.setLocalWindowSize(2 ** 31 - 1);
    const first = request(big);
    await new Promise((resolve) => first.on("response", resolve));
    stop();
    for (let each = 0; each < 12; each += 1) request(big);
    const closed = new Promise((resolve) => server.close(resolve));
    await eventually(() => expect(open.size).toBe(0));
    await closed;
  });
});
