import type { AddressInfo } from "node:net";
import fastify from "fastify";
import { expect } from "vitest";
import qlikSessionProxy from "../../src/fastify.ts";
import { browserOf, optionsFor, startTestTenant, testIdentity, testSocket } from "../support/stack.ts";

type Chat = { send(text: string): void };

/** An application of Fastify with WebSocket routes of its own, which are registered before the proxy or after it. */
export async function visitBesideFastifyWebSocket(order: "before" | "after"): Promise<void> {
  const { default: websocket } = await import("@fastify/websocket");
  const tenant = await startTestTenant();
  const app = fastify({ forceCloseConnections: true });
  await new Promise<void>((resolve) => app.server.listen(0, "127.0.0.1", resolve));
  const origin = `http://portal.localhost:${(app.server.address() as AddressInfo).port}`;
  try {
    if (order === "before") await app.register(websocket);
    await app.register(qlikSessionProxy, {
      ...optionsFor(tenant, origin, { identityHeaders: ["x-test-user"] }),
      identify: (request) => testIdentity(request.headers["x-test-user"]),
    });
    if (order === "after") await app.register(websocket);
    const chat = (socket: Chat): void => socket.send("chat");
    await app.register(async (scope) => {
      scope.get("/chat", { websocket: true } as never, chat as never);
    });
    await app.ready();
    const { get, socket } = browserOf(origin, "/qlik");
    expect(await socket("/app/engineData").message()).toContain("OnConnected");
    expect((await socket("/api/v1/events").refused).status).toBe(404);
    expect((await get("/api/v1/items?limit=2")).status).toBe(200);
    const own = testSocket(`${origin.replace("http", "ws")}/chat`, { origin });
    expect(await own.message()).toBe("chat");
  } finally {
    await app.close();
    await tenant.close();
  }
}
