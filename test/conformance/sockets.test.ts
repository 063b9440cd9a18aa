import type { Socket } from "node:net";
import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { connectTo, type RawConnection } from "../support/raw-connection.ts";
import { wire } from "../support/kind-on-the-wire.ts";
import { handshake, switching } from "../support/raw-handshake.ts";
import type { RawUpstream } from "../support/raw-upstream.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";
import { clients } from "../upstream/clients.ts";

/* Frames on raw sockets: ours lands between those of the tenant, and an end of one side is not the end of the other. */

const started = cleanedUp();
const deflate = "Sec-WebSocket-Extensions: permessage-deflate";

/** The first bytes of frames. RFC 6455 §5.2, RFC 7692 §6 */
const text = { first: 0x01, firstCompressed: 0x41, middle: 0x00, last: 0x80 };

/** An unmasked frame. */
function frame(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  const header = length < 126 ? [first, length] : [first, 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(header), payload]);
}

const pattern = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, index) => index % 251));

/** An open socket, and the tenant's end of it. */
interface Opened extends RawStack {
  readonly browser: RawConnection;
  readonly tenant: Socket;
  /** What the browser has got behind the head of the 101. */
  readonly frames: () => Buffer;
}

async function open(client: (typeof clients)[number], first: Buffer): Promise<Opened> {
  let tenant: Socket | undefined;
  const both = await started.raw(
    (_request, socket) => {
      tenant = socket;
      // Its side of the connection ends when the test says so.
      socket.allowHalfOpen = true;
      socket.write(Buffer.concat([Buffer.from(switching(deflate)), first]));
    },
    { proxy: { upstream: { client } } },
  );
  const browser = await connectTo(both.stack.origin);
  started.keep({ close: () => browser.socket.destroy() });
  const headers = { "sec-websocket-extensions": "permessage-deflate" };
  browser.write(handshake(both.stack.origin, { headers }));
  const frames = (): Buffer =>
    Buffer.from(browser.received.slice(browser.received.indexOf("\r\n\r\n") + 4), "latin1");
  await browser.until((all) => /^HTTP\/1\.1 101 [^]*\r\n\r\n/.test(all) && frames().length >= first.length);
  if (!tenant) throw new Error("the tenant was not asked");
  return { ...both, browser, tenant, frames };
}

/** Resolves as soon as the proxy has told the tenant of the end: sockets have been told before. */
async function untilEnded({ seen }: RawUpstream): Promise<void> {
  while (!seen.some(({ path }) => path === wire.logoutPath))
    await new Promise((resolve) => setImmediate(resolve));
}

describe.each(clients)("%s", (client) => {
  const compressed = deflateRawSync(pattern(2000), { level: 0 });
  test.each([
    ["the first frame of a message in pieces", frame(text.first, pattern(100))],
    ["the first frame of a compressed message in pieces", frame(text.firstCompressed, compressed)],
    ["a frame in the middle of a message", frame(text.middle, pattern(300)), frame(text.first, pattern(3))],
    ["a long frame whose header alone has come", frame(text.first, pattern(60_000)), Buffer.alloc(0), 4],
  ])(
    "our close frame stands behind %s, and nothing behind it",
    async (_what, under, before = Buffer.alloc(0), cut = Math.floor(under.length / 2)) => {
      const opened = await open(client, Buffer.concat([before, under.subarray(0, cut)]));
      const revoked = opened.stack.proxy.revoke({ subject: "ann" });
      await untilEnded(opened.upstream);
      // The rest of the frame, and the next one with it.
      opened.tenant.write(Buffer.concat([under.subarray(cut), frame(text.last, pattern(10))]));
      await opened.browser.closed;
      await revoked;
      const frames = opened.frames();
      const whole = Buffer.concat([before, under]);
      expect(frames.subarray(0, whole.length).equals(whole)).toBe(true);
      const close = frames.subarray(whole.length);
      expect([close[0], close.readUInt16BE(2), close.length]).toEqual([0x88, 4203, 2 + (close[1] ?? 0)]);
    },
  );

  test("what the tenant still sends reaches a browser that has ended its own side", async () => {
    const first = frame(text.first | text.last, Buffer.from("hello"));
    const { browser, tenant, frames, stack } = await open(client, first);
    const ended = new Promise((resolve) => tenant.once("end", resolve));
    browser.socket.end();
    await ended;
    const last = Buffer.concat(
      Array.from({ length: 160 }, () => frame(text.first | text.last, pattern(50_000))),
    );
    tenant.end(last);
    await browser.closed;
    expect(frames().equals(Buffer.concat([first, last]))).toBe(true);
    await expect.poll(() => stack.proxy.stats().sockets).toBe(0);
  });
});
