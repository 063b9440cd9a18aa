/*
 * The browser closes its socket, and before the tenant has answered, the user is logged out. Our close frame was then
 * put in the place of the tenant's answer: the browser, which had closed with its own code, was told another. Where a
 * close frame has passed, either way, the two ends close by themselves, and no frame of ours follows.
 */
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { startNamedTenant } from "../support/named-tenant.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

/** Close 1000 of the browser, masked with zeros, and of the tenant. */
const browserClose = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);
const tenantClose = Buffer.from([0x88, 0x02, 0x03, 0xe8]);

/** A text frame of five bytes, in two parts. */
const firstPart = Buffer.from([0x81, 0x05, 0x68, 0x65]);
const secondPart = Buffer.from([0x6c, 0x6c, 0x6f]);

async function startSocket() {
  const tenant = started.keep(await startNamedTenant());
  let tenantEnd: Socket | undefined;
  tenant.onUpgrade(({ accept, socket }) => {
    tenantEnd = socket;
    accept();
  });
  const stack = await started.stack({
    tenantOrigin: tenant.origin,
    proxy: { timeouts: { drainDelay: 0, drain: 2000 } },
  });
  const browser = await connectTo(stack.origin);
  started.keep({ close: () => browser.socket.destroy() });
  browser.write(
    requestHead(stack.origin, "GET /qlik/app/x HTTP/1.1", [
      `Origin: ${stack.origin}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
    ]),
  );
  const head = await browser.until((text) => text.includes("\r\n\r\n"));
  if (tenantEnd === undefined) throw new Error("no upgrade has reached the tenant");
  const frames = (): Buffer => Buffer.from(browser.received.slice(head.length), "latin1");
  return { stack, browser, tenantEnd, frames };
}

const ends: readonly (readonly [string, (stack: Stack) => Promise<unknown>])[] = [
  ["the user is revoked", (stack) => stack.proxy.revoke({ subject: "ann" })],
  ["the proxy drains", async (stack) => void stack.proxy.drain()],
];

test.each(ends)(
  "where %s after the browser's close, only the tenant's answer follows",
  async (_name, end) => {
    const { stack, browser, tenantEnd, frames } = await startSocket();
    const closing = new Promise((resolve) => tenantEnd.once("data", resolve));
    browser.write(browserClose);
    expect(await closing).toEqual(browserClose);
    await end(stack);
    await expect.poll(() => stack.proxy.stats()).toMatchObject({ sockets: 1 });
    tenantEnd.end(tenantClose);
    await browser.closed;
    expect(frames()).toEqual(tenantClose);
  },
);

test.each(ends)(
  "where %s in the middle of a frame after the browser's close, the frame is ended",
  async (_name, end) => {
    const { stack, browser, tenantEnd, frames } = await startSocket();
    tenantEnd.write(firstPart);
    await expect.poll(() => frames()).toEqual(firstPart);
    const closing = new Promise((resolve) => tenantEnd.once("data", resolve));
    browser.write(browserClose);
    await closing;
    await end(stack);
    tenantEnd.write(secondPart);
    await expect.poll(() => frames()).toEqual(Buffer.concat([firstPart, secondPart]));
    tenantEnd.end(tenantClose);
    await browser.closed;
    expect(frames()).toEqual(Buffer.concat([firstPart, secondPart, tenantClose]));
  },
);

test("where the user is revoked after the tenant's close, nothing follows it", async () => {
  const { stack, browser, tenantEnd, frames } = await startSocket();
  tenantEnd.write(tenantClose);
  await expect.poll(() => frames()).toEqual(tenantClose);
  await stack.proxy.revoke({ subject: "ann" });
  tenantEnd.write(firstPart);
  browser.write(browserClose);
  await browser.closed;
  expect(frames().subarray(0, tenantClose.length)).toEqual(tenantClose);
  expect(frames().includes(Buffer.from([0x10, 0x6b]))).toBe(false);
});

test("before any close, ours is sent", async () => {
  const { stack, browser, frames } = await startSocket();
  await stack.proxy.revoke({ subject: "ann" });
  await expect.poll(() => frames().includes(Buffer.from([0x10, 0x6b]))).toBe(true);
  browser.write(browserClose);
  await browser.closed;
});
