/*
 * The proxy asks the tenant for a session too: for its CSRF token, whether it is alive, for a new login. Those calls
 * stood in the same queue as the user's requests. Six downloads or event streams took every connection of the user,
 * and until one of them ended no socket was opened and no lost session renewed. Six refused answers even waited for
 * the probe that waited for them. The proxy's own calls have connections of their own.
 */
import { expect, test } from "vitest";
import { startNamedTenant } from "../support/named-tenant.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();

/** All connections of a session; `upstream.perSession`. */
const everyConnection = 6;

async function start() {
  const tenant = started.keep(await startNamedTenant());
  const stack = await started.stack({
    tenantOrigin: tenant.origin,
    proxy: { timeouts: { login: 2000 }, upstream: { perSession: everyConnection } },
  });
  return { tenant, stack };
}

test("a socket is opened while every connection of the user carries a slow answer", async () => {
  const { tenant, stack } = await start();
  tenant.onCall(({ url, response }) => {
    if (!url.includes("slow")) return true;
    response.write("begin");
    return false;
  });
  for (let index = 0; index < everyConnection; index += 1) {
    const connection = await connectTo(stack.origin);
    started.keep({ close: () => connection.socket.destroy() });
    connection.write(requestHead(stack.origin, `GET /qlik/api/v1/items/slow-${index} HTTP/1.1`));
    await connection.until((text) => text.includes("begin"));
  }
  const socket = stack.socket("/app/x");
  const outcome = await Promise.race([
    new Promise((resolve) => socket.ws.once("open", () => resolve("open"))),
    socket.refused,
  ]);
  expect(outcome).toBe("open");
  socket.ws.terminate();
  await expect.poll(() => stack.proxy.stats().sockets).toBe(0);
});

test("a lost session is renewed while every connection of the user holds a refusal", async () => {
  const { tenant, stack } = await start();
  await stack.get("/api/v1/items/1");
  // Longer than what is kept of an answer that waits, so that it stays on its connection.
  const refusal = Buffer.alloc(4 * 1024 * 1024, "x");
  tenant.onCall(({ url, session, response }) => {
    if (session !== "ann~1" || url === "/logout") return true;
    response.writeHead(401, { "content-type": "text/plain" }).end(refusal);
    return false;
  });
  const answers = await Promise.all(
    Array.from({ length: everyConnection }, (_, index) => stack.get(`/api/v1/items/${index}`)),
  );
  expect(answers.map(({ status, text }) => `${status} ${text}`)).toEqual(
    Array.from({ length: everyConnection }, () => "200 ann~2"),
  );
});
