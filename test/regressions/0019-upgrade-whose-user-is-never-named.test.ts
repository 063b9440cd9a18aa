/*
 * The host's session store hangs, and an upgrade waits for it. Nobody looked at the clock: socket and count stayed for
 * ever, and the server could not be closed. The wait for the host ends with `timeouts.login`.
 */
import { expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import type { StackOptions } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const never = (): Promise<never> => new Promise(() => {});

const hosts: readonly (readonly [string, StackOptions])[] = [
  ["identify never settles", { proxy: { identify: never } }],
  ["a middleware never goes on", { before: [() => {}] }],
  ["an async middleware never settles", { before: [never] }],
];

test.each(hosts)("an upgrade where %s is given up after a time", async (_name, host) => {
  const stack = await started.stack({ ...host, proxy: { ...host.proxy, timeouts: { login: 200 } } });
  const { status, body } = await stack.socket("/app/x").refused;
  expect(status).toBe(503);
  expect(body).toContain("QSP-IDENTITY");
  await expect.poll(() => stack.proxy.stats().inFlight).toBe(0);
  // Nothing holds the server open.
  const closed = new Promise((resolve) => stack.server.close(() => resolve("closed")));
  expect(await closed).toBe("closed");
});

test("what the browser sent while the host thought reaches the tenant", async () => {
  const tenant = started.keep(await startNamedTenant());
  let taken = "";
  tenant.onUpgrade(({ socket, accept }) => {
    socket.on("data", (chunk: Buffer) => (taken += chunk.toString("hex")));
    accept();
  });
  const latch = createLatch();
  const stack = await started.stack({
    tenantOrigin: tenant.origin,
    proxy: { identify: () => latch.opened.then(() => ({ subject: "ann" })) },
  });
  const connection = await connectTo(stack.origin);
  started.keep({ close: () => connection.socket.destroy() });
  connection.write(
    requestHead(stack.origin, "GET /qlik/app/x HTTP/1.1", [
      `Origin: ${stack.origin}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
    ]),
  );
  await expect.poll(() => stack.proxy.stats().inFlight).toBe(1);
  // A ping with "hi", masked with zeros, and an empty one, in three packets.
  for (const part of ["8982", "000000006869", "898000000000"]) {
    connection.write(Buffer.from(part, "hex"));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  latch.open();
  expect(await connection.until((text) => text.includes("\r\n\r\n"))).toMatch(/^HTTP\/1\.1 101 /);
  await expect.poll(() => taken).toBe("8982000000006869898000000000");
});
