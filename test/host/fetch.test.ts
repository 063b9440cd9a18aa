import { createAdaptorServer } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";
import { Hono } from "hono";
import type { Server } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { TenantEmulator } from "../../src/emulator.ts";
import { createFetchHandler, type FetchHandler, type FetchHandlerOptions } from "../../src/fetch.ts";
import { createSessionProxy, type Identity } from "../../src/index.ts";
import { browserOf, optionsFor, startTestTenant, testIdentity, type Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const items = "/api/v1/items?limit=2";
const engine = "/app/engineData";
const origin = "https://portal.example.test";
const codeOf = async (answer: Response): Promise<string | undefined> =>
  ((await answer.json()) as { errors: { code: string }[] }).errors[0]?.code;

/** Signs in by a cookie, as a host's own session does. */
const identify = (request: Request): Identity | null =>
  testIdentity(/host\.sid=([\w-]+)/.exec(request.headers.get("cookie") ?? "")?.[1]);

type AskInit = Omit<RequestInit, "headers"> & { readonly headers?: Readonly<Record<string, string>> };

interface Direct {
  readonly tenant: TenantEmulator;
  readonly handler: FetchHandler;
  ask(path: string, init?: AskInit): Promise<Response>;
}

/** A handler that is called without any server. */
async function direct(more: Partial<FetchHandlerOptions> = {}): Promise<Direct> {
  const tenant = await startTestTenant();
  closing.push(() => tenant.close());
  const handler = createFetchHandler({
    ...optionsFor(tenant, origin, { policy: { presets: ["embed", "embed-write"] } }),
    identify,
    ...more,
  });
  closing.push(() => handler.close());
  const ask = (path: string, init: AskInit = {}): Promise<Response> =>
    handler(
      new Request(`${origin}${path}`, {
        ...init,
        headers: { cookie: "host.sid=ann", "sec-fetch-site": "same-origin", ...init.headers },
      }),
    );
  return { tenant, handler, ask };
}

describe("a fetch handler without a server", () => {
  test("answers what is below the prefix, and 404 or the host's own answer to the rest", async () => {
    const { ask, handler } = await direct();
    const answer = await ask(`/qlik${items}`);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "private, no-cache"]);
    const page = (await answer.json()) as { links: { self: { href: string } } };
    expect(page.links.self.href).toMatch(/^https:\/\/portal\.example\.test\/qlik\/api\/v1\/items/);
    expect(await (await ask("/qlik/_session")).json()).toMatchObject({ subject: "ann" });
    expect((await ask("/own")).status).toBe(404);
    const next = (): Response => new Response("host");
    expect(await (await handler(new Request(`${origin}/own`), { next })).text()).toBe("host");
  });

  test("is given the very request in identify, a body of any kind, and a length where nobody said one", async () => {
    const seen: Request[] = [];
    const { ask, tenant, handler } = await direct({
      identify(request) {
        seen.push(request);
        return identify(request);
      },
    });
    const request = new Request(`${origin}/qlik/_session`);
    await handler(request);
    expect(seen[0]).toBe(request);
    const body = JSON.stringify({ type: "sense-image-1.0" });
    const json = { "content-type": "application/json", origin };
    expect((await ask("/qlik/api/v1/reports", { method: "POST", body, headers: json })).status).toBe(202);
    const stream = new Blob([body]).stream();
    const streamed = { method: "POST", body: stream, duplex: "half", headers: json } as AskInit;
    expect((await ask("/qlik/api/v1/reports", streamed)).status).toBe(202);
    expect(
      tenant.recordings({ path: "/api/v1/reports" }).map(({ bodyStart }) => bodyStart.toString()),
    ).toEqual([body, body]);
    const empty = { method: "DELETE", headers: { origin } };
    expect((await ask("/qlik/_session", empty)).status).toBe(204);
  });

  test("says so where the host has read the body: 500 QSP-BODY-CONSUMED", async () => {
    const { handler, tenant } = await direct();
    const request = new Request(`${origin}/qlik/api/v1/reports`, {
      method: "POST",
      body: "{}",
      headers: { origin, cookie: "host.sid=ann", "sec-fetch-site": "same-origin" },
    });
    await request.text();
    const answer = await handler(request);
    expect([answer.status, await codeOf(answer)]).toEqual([500, "QSP-BODY-CONSUMED"]);
    expect(tenant.recordings({ path: "/api/v1/reports" })).toHaveLength(0);
  });

  test.each([
    ["another host in the URL", "https://evil.example/qlik/api/v1/items", {}, 421],
    ["another host in the header", `${origin}/qlik/api/v1/items`, { host: "evil.example" }, 421],
    ["two origins", `${origin}/qlik/api/v1/items`, { origin: `${origin}, https://evil.example` }, 400],
    ["a foreign origin", `${origin}/qlik/api/v1/items`, { origin: "https://evil.example" }, 403],
    ["a coding that is none of ours", `${origin}/qlik/api/v1/items`, { "transfer-encoding": "gzip" }, 400],
    ["an escaped slash upwards", `${origin}/qlik/..%2f..%2fadmin`, {}, 400],
  ])("%s gets what it would get from node's door", async (_what, url, headers, status) => {
    const { handler } = await direct();
    const all = { cookie: "host.sid=ann", "sec-fetch-site": "same-origin", ...headers };
    expect((await handler(new Request(url, { headers: all as Record<string, string> }))).status).toBe(status);
  });

  test("ends with its request: before the answer, and in the middle of it", async () => {
    const { handler } = await direct();
    const headers = { cookie: "host.sid=ann", "sec-fetch-site": "same-origin" };
    const early = new AbortController();
    const first = handler(new Request(`${origin}/qlik${items}`, { headers, signal: early.signal }));
    early.abort();
    expect((await first).status).toBe(499);
    const late = new AbortController();
    const events = `${origin}/qlik/_session/events`;
    const stream = await handler(new Request(events, { headers, signal: late.signal }));
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe(": open\n\n");
    expect(handler.stats().inFlight).toBe(1);
    late.abort();
    await expect(reader.read()).rejects.toThrow(/premature|abort/i);
    const other = await handler(new Request(events, { headers }));
    await other.body?.cancel();
    await expect.poll(() => handler.stats().inFlight).toBe(0);
  });

  test("is not in flight any more when all of an answer is there, whether anybody reads it or not", async () => {
    const { ask, handler } = await direct();
    const unread = [
      await ask("/qlik/_session"),
      await ask("/qlik/nothing"),
      await ask(`/qlik${items}`),
      await ask(`/qlik${items}`, { method: "HEAD" }),
    ];
    await expect.poll(() => handler.stats().inFlight).toBe(0);
    expect(unread.map(({ status }) => status)).toEqual([200, 404, 200, 200]);
    expect(await unread[0]?.json()).toMatchObject({ subject: "ann" });
  });

  test("fails what the tenant breaks off with an error of its own, which is nobody's leaving", async () => {
    const { stack } = await started.raw((_request, socket) => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
      setTimeout(() => socket.destroy(), 30);
    });
    const handler = createFetchHandler(stack.proxy);
    const headers = { "x-test-user": "ann", "sec-fetch-site": "same-origin" };
    const answer = await handler(new Request(`${stack.origin}/qlik/api/v1/echo/a`, { headers }));
    const error: unknown = await answer.text().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: "the answer broke off" });
    expect(error).not.toHaveProperty("code");
  });

  test("ends the connection of an answer after which it cannot be used, where the request has one", async () => {
    const { handler } = await direct();
    const bad = `${origin}/qlik/..%2f..%2fadmin`;
    const host = new URL(origin).host;
    expect((await handler(new Request(bad, { headers: { host } }))).headers.get("connection")).toBe("close");
    expect((await handler(new Request(bad))).headers.get("connection")).toBeNull();
  });

  test("takes a body of other pieces than bytes for one that breaks off, and says where identify has read it", async () => {
    const { handler, tenant } = await direct({
      async identify(request) {
        if (request.headers.has("x-read")) await request.text();
        return identify(request);
      },
    });
    const headers = { cookie: "host.sid=ann", "sec-fetch-site": "same-origin", origin };
    const post = (more: RequestInit & { readonly duplex?: "half" }): Promise<Response> =>
      handler(new Request(`${origin}/qlik/api/v1/reports`, { method: "POST", headers, ...more }));
    const body = new ReadableStream({
      start: (controller) => controller.enqueue("text"),
    });
    expect((await post({ body, duplex: "half" })).status).toBeGreaterThanOrEqual(400);
    const read = await post({ body: "{}", headers: { ...headers, "x-read": "1" } });
    expect([read.status, await codeOf(read)]).toEqual([500, "QSP-BODY-CONSUMED"]);
    expect(tenant.recordings({ path: "/api/v1/reports" })).toHaveLength(0);
    await expect.poll(() => handler.stats().inFlight).toBe(0);
  });

  test("logs out the user of a request, and is as strict with its options as the library", async () => {
    const { handler, ask, tenant } = await direct();
    await ask(`/qlik${items}`);
    await handler.logout(new Request(origin, { headers: { cookie: "host.sid=ann" } }));
    expect(await (await ask("/qlik/_session")).json()).toMatchObject({ active: false });
    const seen: (string | undefined)[] = [];
    const ready = createFetchHandler(
      createSessionProxy({
        ...optionsFor(tenant, origin),
        identify({ socket }) {
          seen.push(socket.remoteAddress);
          return null;
        },
      }),
    );
    closing.push(() => ready.close());
    await ready.logout(new Request(origin), { remoteAddress: "192.0.2.7" });
    expect(seen).toEqual(["192.0.2.7"]);
    expect(() => createFetchHandler({ prefix: "x" } as never)).toThrow(
      /identify[\s\S]*prefix|prefix[\s\S]*identify/,
    );
  });
});

describe("in Hono on Node, a fetch handler", () => {
  type World = Pick<Stack, "get" | "socket"> & {
    readonly tenant: TenantEmulator;
    readonly handler: FetchHandler;
  };

  async function start(
    mount: (app: Hono, handler: FetchHandler) => void,
    given: "options" | "proxy" = "options",
  ): Promise<World> {
    const tenant = await startTestTenant();
    closing.push(() => tenant.close());
    const app = new Hono();
    const server = createAdaptorServer({ fetch: (...all) => app.fetch(...all) }) as Server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const own = `http://portal.localhost:${(server.address() as { port: number }).port}`;
    const options = optionsFor(tenant, own, { trustedProxies: ["127.0.0.1"] });
    const handler =
      given === "options"
        ? createFetchHandler({ ...options, identify })
        : createFetchHandler(
            createSessionProxy({
              ...options,
              identify: ({ headers }) => testIdentity(/host\.sid=(\w+)/.exec(headers.cookie ?? "")?.[1]),
            }),
          );
    mount(app, handler);
    const detach = handler.attach(server);
    closing.push(async () => {
      detach();
      await handler.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return { tenant, handler, ...browserOf(own, handler.prefix) };
  }

  const cookie = "host.sid=ann";
  const route = (app: Hono, handler: FetchHandler): void => {
    app.all("/qlik/*", (c) => handler(c.req.raw, { remoteAddress: getConnInfo(c).remote.address }));
  };

  test.each(["options", "proxy"] as const)("made of %s answers requests and upgrades", async (given) => {
    const { get, socket, tenant } = await start(route, given);
    const headers = { cookie };
    expect((await get(items, { headers: { ...headers, "x-forwarded-for": "192.0.2.7" } })).status).toBe(200);
    // The peer is a front door that is believed, so that its word counts.
    expect(tenant.recordings({ path: "/api/v1/items" })[0]?.headers).toContainEqual([
      "x-forwarded-for",
      "192.0.2.7",
    ]);
    expect(await socket(engine, { headers }).message()).toContain("OnConnected");
    expect((await socket(engine).refused).status).toBe(401);
    expect((await get(items)).status).toBe(401);
  });

  test("may be a middleware, so that what is not its own goes on to the app", async () => {
    const { get } = await start((app, handler) => {
      app.use((c, next) =>
        handler(c.req.raw, {
          next: async () => {
            await next();
            return c.res;
          },
        }),
      );
      app.get("/own", (c) => c.text("host"));
    });
    expect((await get("", { path: "/own" })).text).toBe("host");
    expect((await get(items, { headers: { cookie } })).status).toBe(200);
  });
});
