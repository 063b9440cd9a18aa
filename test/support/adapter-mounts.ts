import type { RequestListener, Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import fastify from "fastify";
import { createFetchHandler } from "../../src/fetch.ts";
import qlikSessionProxy from "../../src/fastify.ts";
import type { SessionProxy } from "../../src/index.ts";

/** Ways to put a proxy before a node server, by name. */
export const adapterMounts: Readonly<
  Record<string, (proxy: SessionProxy, server: Server) => RequestListener>
> = {
  fastify(proxy, server) {
    const app = fastify();
    server.once("close", () => void app.close());
    app.register(qlikSessionProxy, { proxy });
    const ready = app.ready();
    return (request, response) => void ready.then(() => app.routing(request, response));
  },
  fetch(proxy) {
    const handler = createFetchHandler(proxy);
    const listener = getRequestListener((request, { incoming }) =>
      handler(request, { remoteAddress: incoming.socket.remoteAddress }),
    );
    return (request, response) => void listener(request, response);
  },
};
