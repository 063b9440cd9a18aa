import type { RequestListener } from "node:http";
import express from "express";
import { expect } from "vitest";
import type { SessionProxy } from "../../src/index.ts";
import { testSocket } from "../support/stack.ts";
import type { Assemble, Portal } from "./portal.ts";

const engine = "/app/engineData";

/** Long enough for a neighbour that waits 20 ms. */
const slowly = (_request: unknown, _response: unknown, next: () => void): void => void setTimeout(next, 60);

/** An application with socket.io, which is put onto the server before the proxy or after it. */
export function withSocketIo(order: "before" | "after", framework: "Express" | "none"): Assemble {
  return async ({ server, proxy }) => {
    const { Server } = await import("socket.io");
    server.on("request", framework === "Express" ? expressOf(proxy) : plainOf(proxy));
    const attach = (): unknown => proxy.attach(server, { before: [slowly] });
    if (order === "after") attach();
    const io = new Server(server, { destroyUpgradeTimeout: 20 });
    io.on("connection", (socket) => socket.on("ask", (value) => socket.emit("answer", `${value}!`)));
    if (order === "before") attach();
    return () => io.close();
  };
}

function expressOf(proxy: SessionProxy): RequestListener {
  const app = express();
  app.use(proxy).use((_request, response) => response.end("host"));
  return app;
}

const plainOf =
  (proxy: SessionProxy): RequestListener =>
  (request, response) =>
    proxy(request, response, () => response.end("host"));

/** Asks socket.io a question over a transport. */
async function ask(origin: string, transport: string): Promise<string> {
  const { io } = await import("socket.io-client");
  const client = io(origin.replace("portal.localhost", "127.0.0.1"), { transports: [transport] });
  try {
    return await new Promise((resolve) => {
      client.on("answer", resolve);
      client.emit("ask", transport);
    });
  } finally {
    client.close();
  }
}

/** Both live, and neither touches what is the other's. */
export async function visitBesideSocketIo({ origin, get, socket, tenant }: Portal): Promise<void> {
  const open = socket(engine);
  expect(await open.message()).toContain("OnConnected");
  expect((await get("/api/v1/items?limit=2")).status).toBe(200);
  expect((await get("", { path: "/own" })).text).toBe("host");
  expect(await ask(origin, "websocket")).toBe("websocket!");
  expect(await ask(origin, "polling")).toBe("polling!");
  expect((await socket("/api/v1/events").refused).status).toBe(404);
  // Nobody's: socket.io ends it.
  await testSocket(`${origin.replace("http", "ws")}/nobody`, { origin }).closed;
  expect(open.ws.readyState).toBe(open.ws.OPEN);
  expect(tenant.recordings({ upgrade: true })).toHaveLength(1);
}
