import { randomBytes } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { get, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import type { StackOptions } from "../support/stack.ts";
import { startSocketTenant } from "../support/socket-tenant.ts";
import { cleanedUp } from "../support/started.ts";

/*
 * The memory of what has gone out is returned at once (src/kernel/return-memory.ts), and of nothing else: neither of what still
 * waits for a slow reader, nor of what somebody else looks at.
 */

const started = cleanedUp();
const size = 4 * 1024 * 1024;

/** A stack with a file in it; `written` is told of each piece, by a method that the host has put in the place of node's. */
async function withFile(bytes: Buffer, written?: (piece: Buffer) => void, proxy?: StackOptions["proxy"]) {
  const tell = (response: ServerResponse): void => {
    const { write } = response;
    response.write = ((...given: Parameters<typeof write>) => {
      written?.(given[0]);
      return write.apply(response, given);
    }) as typeof write;
  };
  const stack = await started.stack({
    proxy: { policy: { presets: ["embed", "embed-write"] }, ...proxy },
    mount: (made) => (request, response) => {
      if (written) tell(response);
      made(request, response);
    },
  });
  const upload = await stack.get("/api/v1/temp-contents?filename=data.bin", {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: bytes,
  });
  const { pathname, search } = new URL(upload.header("location") ?? "", stack.origin);
  return { stack, path: pathname.slice("/qlik".length) + search };
}

test("a middleware that keeps what is written finds it whole long after it has gone out", async () => {
  const bytes = randomBytes(size);
  const kept: Buffer[] = [];
  const { stack, path } = await withFile(bytes, (piece) => kept.push(piece));
  kept.length = 0;
  expect((await stack.get(path)).body.equals(bytes)).toBe(true);
  await sleep(50);
  expect(kept.some(({ length }) => length >= 16 * 1024)).toBe(true);
  expect(Buffer.concat(kept).equals(bytes)).toBe(true);
});

test("who hears of undici's pieces finds them whole", async () => {
  const bytes = randomBytes(size);
  const { stack, path } = await withFile(bytes, undefined, { upstream: { client: "undici" } });
  const kept: Buffer[] = [];
  const hear = (message: unknown): void => void kept.push((message as { readonly chunk: Buffer }).chunk);
  const name = "undici:request:bodyChunkReceived";
  subscribe(name, hear);
  try {
    expect((await stack.get(path)).body.equals(bytes)).toBe(true);
    await sleep(50);
  } finally {
    unsubscribe(name, hear);
  }
  expect(Buffer.concat(kept).equals(bytes)).toBe(true);
});

test("what waits for a browser that reads slowly arrives whole", async () => {
  const bytes = randomBytes(size);
  const { stack, path } = await withFile(bytes);
  const read = async (): Promise<Buffer> => {
    const { host, port } = new URL(stack.origin);
    const headers = { host, "x-test-user": "anna" };
    const request = get({ host: "127.0.0.1", port, path: `/qlik${path}`, headers });
    const [answer] = (await once(request, "response")) as [AsyncIterable<Buffer>];
    const pieces: Buffer[] = [];
    for await (const piece of answer) {
      pieces.push(piece);
      await sleep(2);
    }
    return Buffer.concat(pieces);
  };
  const all = await Promise.all([read(), read(), stack.get(path).then(({ body }) => body)]);
  expect(all.map((body) => body.equals(bytes))).toEqual([true, true, true]);
});

/** Reads for a moment, and does not for another, until it is closed. */
async function readInTurns(socket: WebSocket): Promise<void> {
  while (socket.readyState === socket.OPEN) {
    socket.pause();
    await sleep(5);
    socket.resume();
    await sleep(5);
  }
}

test("a host that keeps what its browsers send finds it whole, over sockets too", async () => {
  const tenant = started.keep(await startSocketTenant());
  const stack = await started.stack({ tenantOrigin: tenant.origin });
  const kept: Buffer[] = [];
  stack.server.on("connection", (socket) => socket.on("data", (piece: Buffer) => kept.push(piece)));
  const { ws: browser } = stack.socket("/app/x");
  await once(browser, "open");
  const { ws } = await tenant.next();
  kept.length = 0;
  browser.send(randomBytes(size));
  const [message] = (await once(ws, "message")) as [Buffer];
  await sleep(50);
  const sent = kept.reduce((sum, { length }) => sum + length, 0);
  expect([message.length, sent >= size]).toEqual([size, true]);
});

test("messages of 4 MiB arrive whole both ways, on sockets of several people who read in turns", async () => {
  const tenant = started.keep(await startSocketTenant());
  const stack = await started.stack({ tenantOrigin: tenant.origin });
  const echoed = async (user: string): Promise<boolean> => {
    const message = randomBytes(size);
    const { ws: browser } = stack.socket("/app/x", { user });
    await once(browser, "open");
    void readInTurns(browser);
    browser.send(message);
    const [answer] = (await once(browser, "message")) as [Buffer];
    browser.close();
    return answer.equals(message);
  };
  const echo = async (): Promise<void> => {
    const { ws } = await tenant.next();
    void readInTurns(ws);
    ws.on("message", (data) => ws.send(data));
  };
  const users = ["anna", "ben", "carla", "dina"];
  const [all] = await Promise.all([Promise.all(users.map(echoed)), ...users.map(echo)]);
  expect(all).toEqual([true, true, true, true]);
});
