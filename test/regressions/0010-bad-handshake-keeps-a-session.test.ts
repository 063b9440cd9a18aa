/*
 * The tenant answers an upgrade with a 101 that does not fit the handshake. It was refused, but the session that it
 * was asked with stayed marked as in use, once for each such answer: renewed, it was never ended at the tenant. A
 * handshake that failed holds nothing.
 */
import { expect, test } from "vitest";
import { startNamedTenant } from "../support/named-tenant.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

test("a session is ended at the tenant when it was renewed, whatever its handshakes came to", async () => {
  const tenant = started.keep(await startNamedTenant());
  tenant.onUpgrade(({ socket }) => {
    const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    socket.write(`${[...head, "Sec-WebSocket-Accept: another"].join("\r\n")}\r\n\r\n`);
  });
  const stack = await started.stack({ tenantOrigin: tenant.origin });
  for (let turn = 0; turn < 3; turn += 1) {
    expect((await stack.socket("/app/x").refused).status).toBe(502);
  }
  tenant.lost.add("ann~1");
  expect((await stack.get("/api/v1/items/1")).text).toBe("ann~2");
  await expect.poll(() => tenant.seen).toContain("GET /logout ann~1");
  expect(stack.proxy.stats()).toMatchObject({ sockets: 0, inFlight: 0, sessions: 1 });
});
