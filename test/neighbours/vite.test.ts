import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createServer as createVite, type HttpServer, type InlineConfig } from "vite";
import { WebSocket } from "ws";
import { cleanedUp } from "../support/started.ts";
import { type OpenFront, type Portal, startPortal } from "./portal.ts";

const started = cleanedUp();

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "qsp-vite-"));
  await writeFile(join(root, "index.html"), '<script type="module" src="/main.js"></script>');
  await writeFile(join(root, "main.js"), "export const page = import.meta.hot;");
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A dev server as people have it, which says nothing and looks at no configuration of ours. */
const viteConfig = (server: NonNullable<InlineConfig["server"]>): InlineConfig => ({
  root,
  configFile: false,
  logLevel: "silent",
  cacheDir: join(root, ".vite"),
  optimizeDeps: { noDiscovery: true },
  server,
});

/** The message with which Vite greets a page that it keeps up to date. */
async function greetingOf({ origin, get }: Portal): Promise<unknown> {
  const client = await get("", { path: "/@vite/client" });
  const [, token = ""] = /wsToken = "([^"]+)"/.exec(client.text) ?? [];
  const url = `${origin.replace("http", "ws").replace("portal.localhost", "127.0.0.1")}/?token=${token}`;
  const hot = new WebSocket(url, "vite-hmr", { headers: { origin, host: new URL(origin).host } });
  try {
    return await new Promise((resolve, reject) => {
      hot.once("message", (data: Buffer) => resolve(JSON.parse(data.toString())));
      hot.once("error", reject);
    });
  } finally {
    hot.terminate();
  }
}

/** Pages and modules are Vite's, what is below the prefix is ours, by requests and by sockets. */
async function visit(portal: Portal): Promise<void> {
  const { get, socket, tenant, origin } = portal;
  expect((await get("", { path: "/", headers: { accept: "text/html" } })).text).toContain("/@vite/client");
  expect((await get("", { path: "/main.js" })).text).toContain("import.meta.hot = ");
  expect(await greetingOf(portal)).toEqual({ type: "connected" });
  expect(await socket("/app/engineData").message()).toContain("OnConnected");
  expect(await greetingOf(portal)).toEqual({ type: "connected" });
  expect(tenant.recordings({ upgrade: true })).toHaveLength(1);
  const items = await get("/api/v1/items?limit=2", { headers: { accept: "text/html" } });
  expect([items.status, items.header("access-control-allow-origin")]).toEqual([200, undefined]);
  expect((await get("/nothing", { headers: { accept: "text/html" } })).status).toBe(404);
  const written = await get("/_session", { method: "DELETE", headers: { origin } });
  expect(written.status).toBe(204);
}

test("Vite in the same server, after the proxy, has its pages and its hot socket", async () => {
  const portal = await startPortal(async ({ server, proxy }) => {
    const vite = await createVite(viteConfig({ middlewareMode: true, ws: { server } }));
    server.on("request", (request, response) =>
      proxy(request, response, () => vite.middlewares(request, response)),
    );
    proxy.attach(server);
    return () => vite.close();
  });
  await visit(started.keep(portal));
});

const asFront: OpenFront = async (target) => {
  const proxy = { "/qlik": { target, ws: true } };
  // What the short form means, on a path of its own.
  const short = { target, changeOrigin: true, rewrite: (path: string) => path.replace("/short", "/qlik") };
  const server = { host: "127.0.0.1", port: 0, proxy: { ...proxy, "/short": short } };
  const vite = await createVite(viteConfig(server));
  await vite.listen();
  const { port } = (vite.httpServer as HttpServer).address() as AddressInfo;
  return { port, close: () => vite.close() };
};

test("Vite in front of the proxy, as its page's origin, hands on requests and sockets", async () => {
  const portal = await startPortal(({ server, proxy }) => {
    server.on("request", (request, response) => proxy(request, response));
    proxy.attach(server);
  }, asFront);
  await visit(started.keep(portal));
  expect((await portal.get("", { path: "/short/_session" })).status).toBe(421);
});
