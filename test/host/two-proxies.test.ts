import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { afterEach, expect, test } from "vitest";
import qlikSessionProxy from "../../src/fastify.ts";
import { createSessionProxy, type Identity, type SessionProxy } from "../../src/index.ts";
import { browserOf, optionsFor, startTestTenant, testIdentity } from "../support/stack.ts";

/* Two proxies in one process, for a tenant each: on every kind of host they share the server, and nothing else. */

type Options = ReturnType<typeof optionsFor>;
type Handles = Pick<SessionProxy, "drain" | "close" | "stats">;

interface Host {
  readonly server: Server;
  /** Puts a proxy for each of the options behind the server. */
  mount(options: readonly Options[]): Promise<readonly Handles[]>;
  end?(): Promise<unknown>;
}

const whoAsks = ({ headers }: { readonly headers: FastifyRequest["headers"] }): Identity | null =>
  testIdentity(headers["x-test-user"]);

const withProxies = (listenerOf: (proxies: readonly SessionProxy[]) => RequestListener): Host => {
  const server = createServer();
  return {
    server,
    async mount(options) {
      const proxies = options.map((each) => createSessionProxy({ ...each, identify: whoAsks }));
      server.on("request", listenerOf(proxies));
      for (const proxy of proxies) proxy.attach(server);
      return proxies;
    },
  };
};

const hosts: Readonly<Record<string, () => Host>> = {
  "plain http": () =>
    withProxies(
      ([first, second]) =>
        (request, response) =>
          first?.(request, response, () => second?.(request, response)),
    ),
  Express: () =>
    withProxies((proxies) => {
      const app = express();
      for (const proxy of proxies) app.use(proxy);
      return app;
    }),
  Fastify() {
    const app = fastify({ forceCloseConnections: true }) as unknown as FastifyInstance & {
      readonly qlik0: Handles;
      readonly qlik1: Handles;
    };
    return {
      server: app.server,
      async mount(options) {
        for (const [index, each] of options.entries())
          app.register(qlikSessionProxy, { ...each, identify: whoAsks, decorator: `qlik${index}` });
        await app.ready();
        return [app.qlik0, app.qlik1];
      },
      end: () => app.close(),
    };
  },
};

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Both proxies behind one server, and a browser for each. */
async function startBoth(host: Host) {
  const { server } = host;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://portal.localhost:${(server.address() as AddressInfo).port}`;
  const prefixes = ["/qlik", "/other"];
  const tenants = [
    await startTestTenant(),
    await startTestTenant({ tenant: { hostname: "other.localhost" } }),
  ];
  for (const tenant of tenants) closing.push(() => tenant.close());
  const handles = await host.mount(
    tenants.map((tenant, index) =>
      optionsFor(tenant, origin, {
        prefix: prefixes[index] ?? "",
        identityHeaders: ["x-test-user"],
        timeouts: { drain: 100, drainDelay: 0 },
      }),
    ),
  );
  closing.push(
    () => server.close(),
    () => server.closeAllConnections(),
    () => host.end?.(),
    ...handles.map((each) => () => each.close()),
  );
  return prefixes.map((prefix, index) => ({
    ...browserOf(origin, prefix),
    proxy: handles[index] as Handles,
    subjects: () => tenants[index]?.sessions.list().map(({ subject }) => subject),
  }));
}

test.each(Object.keys(hosts))("in %s two proxies serve, drain and close each for itself", async (name) => {
  const [first, second] = await startBoth((hosts[name] as () => Host)());
  if (!first || !second) throw new Error("there are two");
  const engine = "/app/engineData";
  const items = "/api/v1/items?limit=2";
  expect((await first.get(items, { user: "ann" })).status).toBe(200);
  expect((await second.get(items, { user: "bob" })).status).toBe(200);
  const sockets = [first.socket(engine), second.socket(engine, { user: "bob" })] as const;
  for (const socket of sockets) expect(await socket.message()).toContain("OnConnected");
  expect([first.subjects(), second.subjects()]).toEqual([["ann"], ["bob"]]);

  await first.proxy.drain();
  expect(await sockets[0].closed).toMatchObject({ code: 4003 });
  expect((await first.socket(engine).refused).status).toBe(503);
  expect(second.proxy.stats()).toMatchObject({ draining: false, sockets: 1 });
  await first.proxy.close();
  expect((await first.get(items)).status).toBe(503);
  expect((await second.get(items, { user: "bob" })).status).toBe(200);
  expect(await second.socket(engine, { user: "bob" }).message()).toContain("OnConnected");
  expect(sockets[1].ws.readyState).toBe(sockets[1].ws.OPEN);
});
