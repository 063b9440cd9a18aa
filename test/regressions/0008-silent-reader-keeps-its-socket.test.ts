/*
 * A browser that stops reading and is then logged out: the proxy ended its socket politely, and "politely" waits until
 * the last byte was taken. Nothing ever took it. The socket stayed open for as long as the browser liked, counted
 * nowhere and outside every limit. A second after our close frame, or after the tenant is gone, it is destroyed
 * whatever is still to be read.
 */
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { startNamedTenant, type NamedUpgrade } from "../support/named-tenant.ts";
import { connectTo, requestHead, type RawConnection } from "../support/raw-connection.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

/** Pongs without payload: every second place is a boundary between two frames. More than the buffers hold. */
const flood = Buffer.alloc(32 * 1024 * 1024, Buffer.from([0x8a, 0x00]));

/** A browser's close frame, masked. */
const close = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);

/** A browser's ping, masked. */
const ping = Buffer.from([0x89, 0x80, 0, 0, 0, 0]);

/** Destroyed means destroyed soon: a second for the echo, and some for a busy machine. Milliseconds. */
const soon = { timeout: 5000 };

const upgradeHeaders = (origin: string): readonly string[] => [
  `Origin: ${origin}`,
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
];

interface Silent {
  readonly stack: Stack;
  readonly client: RawConnection;
  /** The proxy's end of the browser's connection. */
  readonly served: Socket;
  readonly tenantEnd: Socket;
}

/** A socket with more on its way to the browser than the browser will ever take. */
async function startSilent(): Promise<Silent> {
  const tenant = started.keep(await startNamedTenant());
  let tenantEnd: Socket | undefined;
  tenant.onUpgrade(({ accept, socket }: NamedUpgrade) => {
    tenantEnd = socket;
    accept();
  });
  const stack = await started.stack({ tenantOrigin: tenant.origin });
  let served: Socket | undefined;
  stack.server.once("connection", (socket) => (served = socket));
  const client = await connectTo(stack.origin);
  started.keep({ close: () => client.socket.destroy() });
  client.write(requestHead(stack.origin, "GET /qlik/app/x HTTP/1.1", upgradeHeaders(stack.origin)));
  await client.until((text) => text.includes("\r\n\r\n"));
  client.socket.pause();
  if (served === undefined || tenantEnd === undefined) throw new Error("there is no socket");
  tenantEnd.write(flood);
  const silent = { stack, client, served, tenantEnd };
  await expect.poll(() => silent.served.writableLength, soon).toBeGreaterThan(0);
  return silent;
}

test("a browser that echoes our close frame and does not read is cut off", async () => {
  const { stack, client, served } = await startSilent();
  await stack.proxy.revoke({ subject: "ann" });
  client.write(close);
  await expect.poll(() => served.destroyed, soon).toBe(true);
  expect(stack.proxy.stats().sockets).toBe(0);
});

test("a browser that does nothing at all after the log-out is cut off", async () => {
  const { stack, served } = await startSilent();
  await stack.proxy.revoke({ subject: "ann" });
  await expect.poll(() => served.destroyed, soon).toBe(true);
  expect(stack.proxy.stats().sockets).toBe(0);
});

test("a browser that closes, does not read, and whose tenant is gone is cut off", async () => {
  const { stack, client, served, tenantEnd } = await startSilent();
  const closing = new Promise((resolve) => tenantEnd.once("data", resolve));
  client.write(close);
  await closing;
  tenantEnd.resetAndDestroy();
  // A connection that is not read tells of its end where it is written to.
  const isCutOff = (): boolean => {
    client.write(ping);
    return served.destroyed;
  };
  await expect.poll(isCutOff, soon).toBe(true);
  expect(stack.proxy.stats().sockets).toBe(0);
});
