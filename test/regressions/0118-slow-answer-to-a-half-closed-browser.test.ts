/*
 * A browser that has ended its own side gets what the tenant still sends, and the tenant has five seconds to end its side too.
 * They were counted from the browser's end and not from the last bytes: what took longer was cut in the middle of a frame. Found
 * by the conformance suite on a machine that had much else to do.
 */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { connectTo } from "../support/raw-connection.ts";
import { handshake, switching } from "../support/raw-handshake.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

/** A text frame of the tenant's. RFC 6455 §5.2 */
const frame = (text: string): string => `\x81${String.fromCharCode(text.length)}${text}`;

test("what the tenant sends for longer than it may be silent reaches a browser that has ended its own side", async () => {
  let tenant: Socket | undefined;
  const { stack } = await started.raw((_request, socket) => {
    tenant = socket;
    socket.allowHalfOpen = true;
    socket.write(switching());
  });
  const browser = await connectTo(stack.origin);
  started.keep({ close: () => browser.socket.destroy() });
  browser.write(handshake(stack.origin));
  await browser.until((all) => all.startsWith("HTTP/1.1 101 "));
  const ended = new Promise((resolve) => tenant?.once("end", resolve));
  browser.socket.end();
  await ended;
  const words = ["one", "two", "three", "four"];
  for (const word of words) {
    await sleep(1800);
    tenant?.write(frame(word), "latin1");
  }
  tenant?.end();
  await browser.closed;
  expect(browser.received.split("\r\n\r\n")[1]).toBe(words.map(frame).join(""));
  await expect.poll(() => stack.proxy.stats().sockets).toBe(0);
});
