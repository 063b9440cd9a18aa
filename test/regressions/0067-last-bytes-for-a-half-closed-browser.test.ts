/*
 * A browser that has ended its own side of a socket still reads the other. When the tenant ended too, the browser's side was
 * destroyed at once: what was written to it and had not gone out yet, because the browser was slow to read, was lost.
 */
import { once } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { connectTo } from "../support/raw-connection.ts";
import { handshake, switching } from "../support/raw-handshake.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test("the tenant's last bytes reach a browser that has ended its side and reads them late", async () => {
  let tenant: Socket | undefined;
  const both = await started.raw((_request, socket) => {
    tenant = socket;
    socket.allowHalfOpen = true;
    socket.write(switching());
  });
  await both.stack.get("/api/v1/echo/a");
  const connected = once(both.stack.server, "connection") as Promise<[Socket]>;
  const browser = await connectTo(both.stack.origin);
  started.keep({ close: () => browser.socket.destroy() });
  const [ours] = await connected;
  browser.write(handshake(both.stack.origin));
  const head = (await browser.until((text) => text.includes("\r\n\r\n"))).length;
  if (!tenant) throw new Error("the tenant was not asked");
  browser.socket.pause();
  const ended = once(tenant, "end");
  browser.socket.end();
  await ended;
  // One frame after the other, until the kernel takes no more for the browser: the last one waits in the process.
  const frame = Buffer.concat([Buffer.from([0x82, 126, 0x10, 0x00]), Buffer.alloc(0x1000)]);
  let sent = 0;
  while (ours.writableLength === 0) {
    const before = ours.bytesWritten;
    tenant.write(frame);
    sent += frame.length;
    await expect.poll(() => ours.bytesWritten, { interval: 1 }).toBe(before + frame.length);
  }
  const over = once(tenant, "close");
  tenant.end();
  await over;
  browser.socket.resume();
  await browser.closed;
  expect(browser.received.length - head).toBe(sent);
});
