import * as http2 from "node:http2";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { generate } from "selfsigned";
import { afterEach, describe, expect, test } from "vitest";
import type { TenantEmulator } from "../../src/emulator.ts";
import qlikSessionProxy, { type FastifySessionProxyOptions } from "../../src/fastify.ts";
import { createSessionProxy, type Identity, type SessionProxy } from "../../src/index.ts";
import { answerOk, startRawUpstream } from "../support/raw-upstream.ts";
import { browserOf, optionsFor, startTestTenant, testIdentity, type Stack } from "../support/stack.ts";
import { echoRule } from "../support/started.ts";

interface App extends Pick<Stack, "get" | "socket"> {
  readonly app: FastifyInstance;
  readonly tenant: TenantEmulator;
  readonly origin: string;
  /** Of the log. */
  readonly lines: readonly string[];
}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const byHeader = (request: FastifyRequest): Identity | null => testIdentity(request.headers["x-test-user"]);

interface Setup {
  readonly prefix?: string;
  readonly proxy?: Partial<FastifySessionProxyOptions>;
  /** What the application has before the plugin, and after it. */
  readonly before?: (app: FastifyInstance) => void;
  readonly after?: (app: FastifyInstance) => void;
  /** Registers the plugin otherwise. */
  readonly register?: (app: FastifyInstance, options: FastifySessionProxyOptions) => void;
}

async function start(setup: Setup = {}): Promise<App> {
  const tenant = await startTestTenant();
  closing.push(() => tenant.close());
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  const app = fastify({ forceCloseConnections: true, logger: { stream } }) as unknown as FastifyInstance;
  closing.push(() => app.close());
  // The port has to be known before the options are.
  await new Promise<void>((resolve) => app.server.listen(0, "127.0.0.1", resolve));
  const { port } = app.server.address() as { port: number };
  const origin = `http://portal.localhost:${port}`;
  const { identify = byHeader, ...proxy } = setup.proxy ?? {};
  const options = {
    ...optionsFor(tenant, origin, {
      identityHeaders: ["x-test-user"],
      timeouts: { drain: 300 },
      ...proxy,
    }),
    identify,
  } as FastifySessionProxyOptions;
  setup.before?.(app);
  if (setup.register) setup.register(app, options);
  else app.register(qlikSessionProxy, options);
  setup.after?.(app);
  await app.ready();
  return { app, tenant, origin, lines, ...browserOf(origin, setup.prefix ?? "/qlik") };
}

const items = "/api/v1/items?limit=2";
const engine = "/app/engineData";

describe("in Fastify, the plugin", () => {
  test("answers requests and upgrades below the prefix, and nothing else", async () => {
    const { get, socket, tenant } = await start({
      after: (app) => void app.get("/own", () => "host"),
    });
    expect((await get(items)).status).toBe(200);
    expect((await get("/_session")).json()).toMatchObject({ authenticated: true, subject: "ann" });
    expect(await socket(engine).message()).toContain("OnConnected");
    expect((await get("/%2e%2e/admin")).status).toBe(400);
    expect((await get("", { path: "/own" })).text).toBe("host");
    expect((await get("", { path: "/qlikevil" })).status).toBe(404);
    expect(tenant.recordings({ path: "/api/v1/items" })[0]?.url).toBe(items);
    expect((await get(items, { method: "HEAD" })).body).toHaveLength(0);
  });

  test("parses no body, whatever its type and size, and what comes after it still does", async () => {
    const { get, tenant, origin } = await start({
      proxy: { policy: { presets: ["embed", "embed-write"] } },
      after: (app) => void app.post("/own", (request) => request.body),
    });
    const large = JSON.stringify({ type: "sense-image-1.0", odd: "x".repeat(2 * 1024 * 1024) });
    for (const type of ["application/json", "text/plain", "multipart/form-data; boundary=x"]) {
      const answer = await get("/api/v1/reports", {
        method: "POST",
        headers: { origin, "content-type": type },
        body: large,
      });
      expect(answer.status).toBe(202);
    }
    expect(tenant.recordings({ path: "/api/v1/reports" }).map(({ bodyBytes }) => bodyBytes)).toEqual(
      [1, 2, 3].map(() => Buffer.byteLength(large)),
    );
    const own = await get("", {
      path: "/own",
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"a":1}',
    });
    expect(own.json()).toEqual({ a: 1 });
  });

  test("lets the hooks of the application run first, on requests and on upgrades", async () => {
    const order: string[] = [];
    type WithUser = FastifyRequest & { user?: Identity };
    const { get, socket } = await start({
      before(app) {
        app.decorateRequest("user");
        app.addHook("onRequest", async (request) => void order.push(`onRequest ${request.url}`));
        app.addHook("preHandler", async (request, reply) => {
          const subject = /host\.sid=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
          if (subject === "broken") throw new Error("the session store is away");
          if (subject === undefined) return reply.code(403).send("sign in first");
          (request as WithUser).user = testIdentity(subject) as Identity;
        });
      },
      proxy: { identify: (request) => (request as WithUser).user ?? null },
    });
    const cookie = "host.sid=bob";
    expect((await get("/_session", { headers: { cookie } })).json()).toMatchObject({ subject: "bob" });
    expect(await socket(engine, { headers: { cookie } }).message()).toContain("OnConnected");
    expect(order).toEqual(["onRequest /qlik/_session", `onRequest /qlik${engine}`]);
    const refused = await get("/_session");
    expect([refused.status, refused.text]).toEqual([403, "sign in first"]);
    expect((await socket(engine).refused).status).toBe(401);
    expect((await socket(engine, { headers: { cookie: "host.sid=broken" } }).refused).status).toBe(500);
  });

  test("leaves what the application sets on an answer, also at the last moment", async () => {
    const { get } = await start({
      before(app) {
        app.addHook("onRequest", async (_request, reply) => {
          reply.header("x-host", "kept").header("vary", "Accept-Language");
        });
        app.addHook("onSend", async (_request, reply) => {
          reply.header("set-cookie", "host.sid=rolled").header("set-cookie", "host.seen=1");
        });
      },
    });
    for (const path of [items, "/_session", "/nothing"]) {
      const answer = await get(path);
      expect([path, answer.header("x-host"), answer.header("set-cookie")]).toEqual([
        path,
        "kept",
        "host.sid=rolled, host.seen=1",
      ]);
      expect(answer.header("vary")).toMatch(/Accept-Language/);
    }
  });

  test("adds the handles on the proxy, and what the proxy tells of to the log", async () => {
    const { get, app, lines } = await start({
      before(each) {
        each.post("/sign-out", async (request) => {
          await each.qlik.logout(request);
          return "out";
        });
      },
    });
    const first = await get(items);
    expect(first.status).toBe(200);
    expect(app.qlik.stats()).toMatchObject({ sessions: 1, draining: false });
    expect(await app.qlik.sessions.list("ann")).toHaveLength(1);
    expect((await get("", { path: "/sign-out", method: "POST" })).text).toBe("out");
    expect((await get("/_session")).json()).toMatchObject({ active: false });
    await get("/nothing");
    const events = lines.map((line) => JSON.parse(line) as { event?: string; code?: string; level: number });
    expect(events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(["session.created", "login.succeeded", "session.ended"]),
    );
    // An exchange that went well is in the log already, as Fastify's own line.
    expect(events.some(({ event }) => event === "exchange.finished")).toBe(false);
  });

  test("closes with the application: sockets are sent elsewhere, and requests finish", async () => {
    const { get, socket, app } = await start();
    await get(items);
    const open = socket(engine);
    await open.message();
    await app.close();
    expect(await open.closed).toMatchObject({ code: 4003 });
    expect(app.qlik.stats()).toMatchObject({ sockets: 0, sessions: 0, draining: true });
  });

  test("in a scope with a prefix of its own lives below that", async () => {
    const { get, socket } = await start({
      prefix: "/tools/v1/qlik",
      register(app, options) {
        app.register(
          async (scope) => {
            scope.addHook("onRequest", async (_request, reply) => void reply.header("x-scope", "inner"));
            await scope.register(qlikSessionProxy, options);
            scope.get("/own", () => scope.qlik.prefix);
          },
          { prefix: "/tools/v1" },
        );
        app.get("/own", (_request, reply) => reply.send(app.hasDecorator("qlik")));
      },
    });
    const answer = await get(items);
    expect([answer.status, answer.header("x-scope")]).toEqual([200, "inner"]);
    expect((answer.json() as { links: { self: { href: string } } }).links.self.href).toContain(
      "/tools/v1/qlik/",
    );
    expect(await socket(engine).message()).toContain("OnConnected");
    expect((await get("", { path: "/tools/v1/own" })).text).toBe("/tools/v1/qlik");
    expect((await get("", { path: "/own" })).text).toBe("false");
  });

  test("at the root takes the tenant's paths, and leaves the rest to the application", async () => {
    const { get, socket } = await start({
      prefix: "/",
      proxy: { prefix: "/" },
      after(app) {
        app.get("/", () => "home");
        app.get("/own", () => "host");
        app.setNotFoundHandler((_request, reply) => reply.code(404).send("nobody's"));
      },
    });
    expect((await get(items)).status).toBe(200);
    expect(await socket(engine).message()).toContain("OnConnected");
    expect((await get("/")).text).toBe("home");
    expect((await get("/own")).text).toBe("host");
    expect((await get("/nothing")).text).toBe("nobody's");
    expect((await get("/login")).text).toBe("nobody's");
  });

  test("stands beside another one, also one that was there before", async () => {
    const made: SessionProxy[] = [];
    const { get, app } = await start({
      register(each, options) {
        each.register(qlikSessionProxy, options);
        const identify = (): Identity => testIdentity("zoe") as Identity;
        const proxy = createSessionProxy({ ...options, identify, prefix: "/other" });
        made.push(proxy);
        each.register(qlikSessionProxy, { proxy, decorator: "other" });
      },
    });
    expect((await get("/_session")).json()).toMatchObject({ subject: "ann" });
    expect((await get("", { path: "/other/_session" })).json()).toMatchObject({ subject: "zoe" });
    await app.close();
    // Its owner closes it.
    expect(made[0]?.stats()).toMatchObject({ draining: true });
    await made[0]?.close();
  });

  test("does not start with wrong options, and lists all that is wrong", async () => {
    const app = fastify();
    closing.push(() => app.close());
    app.register(qlikSessionProxy, { prefix: "x", tenant: { origin: "?" } } as never);
    await expect(app.ready()).rejects.toThrow(/tenant\.origin[\s\S]*identify|identify[\s\S]*tenant\.origin/);
  });

  test("answers what Fastify's own tests inject", async () => {
    const { app } = await start();
    const headers = { "x-test-user": "ann", host: "nowhere.example" };
    expect((await app.inject({ url: "/qlik/_session", headers })).statusCode).toBe(421);
  });
});

describe("in Fastify over HTTP/2, the plugin", () => {
  const path = "/qlik/api/v1/echo/a";

  /** An application with `http2: true`, in front of a tenant on a raw socket, and a client of its own. */
  async function startHttp2() {
    const pair = await generate([{ name: "commonName", value: "localhost" }], {
      keyType: "ec",
      algorithm: "sha256",
    });
    const tenant = await startTestTenant();
    closing.push(() => tenant.close());
    const upstream = await startRawUpstream();
    closing.push(() => upstream.close());
    const https = { allowHTTP1: true, key: pair.private, cert: pair.cert };
    const app = fastify({ http2: true, https, forceCloseConnections: true }) as unknown as FastifyInstance;
    closing.push(() => app.close());
    await new Promise<void>((resolve) => app.server.listen(0, "127.0.0.1", resolve));
    const origin = `https://localhost:${(app.server.address() as { port: number }).port}`;
    const options = optionsFor(tenant, origin, { policy: { presets: ["embed"], allow: [echoRule] } });
    app.register(qlikSessionProxy, {
      ...options,
      tenant: { ...options.tenant, origin: upstream.origin },
      identify: byHeader,
    } as FastifySessionProxyOptions);
    app.get("/own", () => "host");
    await app.ready();
    const session = http2.connect(origin, { ca: pair.cert });
    closing.push(async () => session.destroy());
    const ask = async (to: string) => {
      const stream = session.request({ ":path": to, "x-test-user": "ann", "sec-fetch-site": "same-origin" });
      let status: number | undefined;
      let text = "";
      stream.on("response", (head) => (status = head[":status"]));
      stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
      stream.on("error", () => {});
      await new Promise((resolve) => stream.on("close", resolve));
      return { status, text, code: stream.rstCode };
    };
    return { app, upstream, ask };
  }

  test("answers one request after the other, and leaves the rest to the application", async () => {
    const { app, upstream, ask } = await startHttp2();
    upstream.handle(answerOk);
    expect((await ask("/qlik/_session")).text).toContain('"ann"');
    expect(await ask(path)).toMatchObject({ status: 200, code: http2.constants.NGHTTP2_NO_ERROR });
    expect(await ask("/qlik/%2e%2e/admin")).toMatchObject({ status: 400 });
    expect(await ask("/own")).toMatchObject({ status: 200, text: "host" });
    const sent = upstream.seen.find((each) => each.path === "/api/v1/echo/a");
    expect(sent?.headers.filter(([name]) => name.startsWith(":"))).toEqual([]);
    await expect.poll(() => app.qlik.stats().inFlight).toBe(0);
  });

  test("ends an answer that the tenant breaks off with an error", async () => {
    const { app, upstream, ask } = await startHttp2();
    upstream.handle((_request, socket) => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
      setTimeout(() => socket.destroy(), 30);
    });
    const cut = await ask(path);
    expect([cut.status, cut.text]).toEqual([200, "hello"]);
    expect(cut.code).not.toBe(http2.constants.NGHTTP2_NO_ERROR);
    await expect.poll(() => app.qlik.stats().inFlight).toBe(0);
  });
});
