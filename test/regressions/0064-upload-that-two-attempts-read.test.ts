/*
 * A tenant may answer 401 before it has read an upload. The proxy renews and sends it again, if nothing that was read is
 * gone. The attempt that was given up still waited for the next piece, though, took it from the one that followed, and
 * forgot what that one had yet to send: the browser got a 502.
 */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createLatch } from "../support/latch.ts";
import { startNamedTenant } from "../support/named-tenant.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { cleanedUp, echoRule } from "../support/started.ts";

const started = cleanedUp();

test("an upload whose session was lost at its beginning is sent again whole, however long it is", async () => {
  const tenant = started.keep(await startNamedTenant());
  const bodies: Buffer[] = [];
  const second = createLatch();
  tenant.onCall(async ({ method, session, request, response }) => {
    if (method !== "POST") return true;
    if (tenant.lost.has(session)) {
      response.writeHead(401, { "content-length": 0 }).end();
      return false;
    }
    second.open();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    bodies.push(Buffer.concat(chunks));
    response.end("taken");
    return false;
  });
  const stack = await started.stack({
    tenantOrigin: tenant.origin,
    proxy: { policy: { allow: [echoRule] } },
  });
  await stack.get("/api/v1/users/me");
  tenant.lost.add("ann~1");
  const body = randomBytes(2 * 1024 * 1024);
  const connection = await connectTo(stack.origin);
  const framing = [`Origin: ${stack.origin}`, `Content-Length: ${body.length}`];
  connection.write(requestHead(stack.origin, "POST /qlik/api/v1/echo/a HTTP/1.1", framing));
  connection.write(body.subarray(0, 1000));
  await second.opened;
  connection.write(body.subarray(1000));
  expect(await connection.until((text) => text.includes("taken"))).toMatch(/^HTTP\/1\.1 200 /);
  connection.socket.destroy();
  expect([bodies.length, bodies[0]?.equals(body), tenant.logins.length]).toEqual([1, true, 2]);
});
