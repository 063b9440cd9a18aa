import type { Server } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { createSessionProxy, type Identity, type Middleware } from "../../src/index.ts";
import { observeProcess } from "../support/observed-process.ts";
import {
  startStack,
  tenantOptionsAt,
  testIdentity,
  testSocket,
  type Stack,
  type StackOptions,
} from "../support/stack.ts";
import { credentialIn, loginsAt, nameAtTenant } from "../support/tenant-kind.ts";

const open: { close(): Promise<void> }[] = [];
async function start(options: StackOptions = {}): Promise<Stack> {
  const stack = await startStack(options);
  open.push(stack);
  return stack;
}
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const items = "/api/v1/items?limit=2";
const engine = "/app/engineData";
const at = (stack: Stack, path: string) =>
  testSocket(`${stack.origin.replace("http", "ws")}${path}`, { origin: stack.origin, "x-test-user": "ann" });

/** A socket of the host's own at a path, in the manner of `ws`: what is not its own it leaves alone. */
function hostSocket(server: Server, path: string): void {
  const sockets = new WebSocketServer({ noServer: true });
  const onUpgrade = (...[request, socket, head]: Parameters<WebSocketServer["handleUpgrade"]>): void => {
    if (request.url?.split("?")[0] !== path) return;
    sockets.handleUpgrade(request, socket, head, (ws) => ws.send(`host ${request.url}`));
  };
  server.on("upgrade", onUpgrade as never);
  open.push({
    async close() {
      server.off("upgrade", onUpgrade as never);
      for (const client of sockets.clients) client.terminate();
    },
  });
}

describe("another WebSocket handler of the same server", () => {
  test.each(["/qlik", "/"])("keeps its upgrades beside a proxy at %s", async (prefix) => {
    const stack = await start({ proxy: { prefix } });
    hostSocket(stack.server, "/chat");
    expect(await at(stack, "/chat?room=1").message()).toBe("host /chat?room=1");
    expect(await stack.socket(engine).message()).toContain("OnConnected");
    expect(stack.tenant.recordings({ upgrade: true })).toHaveLength(1);
  });

  test("is not asked for upgrades below the prefix that the proxy refuses", async () => {
    const stack = await start();
    hostSocket(stack.server, "/qlik/chat");
    expect((await at(stack, "/qlik/other").refused).status).toBe(404);
  });

  test("may come and go; detached, the proxy takes no upgrade any more", async () => {
    const stack = await start();
    const other = createSessionProxy({
      tenant: tenantOptionsAt(stack.tenant.origin),
      identify: () => null,
      prefix: "/other",
      unsafe: { plainHttpTenant: true },
    });
    const before = stack.server.listenerCount("upgrade");
    const detach = other.attach(stack.server);
    expect((await at(stack, `/other${engine}`).refused).status).toBe(401);
    detach();
    await other.close();
    expect(stack.server.listenerCount("upgrade")).toBe(before);
    expect((await at(stack, `/other${engine}`).refused).status).toBe(404);
  });
});

describe("middlewares of the host on an upgrade", () => {
  type WithSession = { session?: { user: Identity } };
  /** Reads the host's own cookie, later than at once, as a session store does. */
  const session: Middleware = (request, response, next) => {
    response.setHeader("Set-Cookie", "host.sid=rolled");
    setTimeout(() => {
      const subject = /host\.sid=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
      if (subject) (request as WithSession).session = { user: testIdentity(subject) as Identity };
      next();
    }, 5);
  };
  const identify = (request: object): Identity | null => (request as WithSession).session?.user ?? null;

  test("run in their order before identify, so that it sees what they set", async () => {
    const order: string[] = [];
    const noting =
      (name: string): Middleware =>
      (_request, _response, next) => {
        order.push(name);
        next();
      };
    const stack = await start({ before: [noting("first"), session, noting("last")], proxy: { identify } });
    const socket = stack.socket(engine, { headers: { cookie: "host.sid=ann" } });
    expect(await socket.message()).toContain("OnConnected");
    expect(order).toEqual(["first", "last"]);
    expect(stack.tenant.sockets.list().map(({ subject }) => subject)).toEqual([nameAtTenant("ann")]);
    expect((await stack.socket(engine).refused).status).toBe(401);
  });

  test("do not run for upgrades that are not ours, nor for those that the site guard refuses", async () => {
    let runs = 0;
    const counting: Middleware = (_request, _response, next) => {
      runs += 1;
      next();
    };
    const stack = await start({ before: [counting] });
    hostSocket(stack.server, "/chat");
    await at(stack, "/chat").message();
    expect((await stack.socket(engine, { headers: { origin: "https://evil.example" } }).refused).status).toBe(
      403,
    );
    expect((await stack.socket("/api/v1/events").refused).status).toBe(404);
    expect(runs).toBe(0);
    await stack.socket(engine).message();
    expect(runs).toBe(1);
  });

  const failing: readonly (readonly [string, Middleware, number, string])[] = [
    [
      "throws",
      () => {
        throw new Error("canary");
      },
      500,
      "QSP-IDENTITY",
    ],
    ["hands on an error", (_request, _response, next) => next(new Error("canary")), 500, "QSP-IDENTITY"],
    ["rejects", (async () => Promise.reject(new Error("canary"))) as Middleware, 500, "QSP-IDENTITY"],
    [
      "answers by itself",
      (_request, response) => void response.writeHead(401).end("canary"),
      401,
      "QSP-UNAUTHENTICATED",
    ],
    [
      "answers later",
      (_request, response) => void setTimeout(() => response.end("canary"), 5),
      401,
      "QSP-UNAUTHENTICATED",
    ],
  ];
  test.each(failing)(
    "that %s refuses the upgrade, and nothing else happens",
    async (_name, middleware, status, code) => {
      const observed = observeProcess();
      open.push({ close: async () => observed.stop() });
      const stack = await start({ before: [middleware] });
      const refused = await stack.socket(engine).refused;
      expect([refused.status, refused.body]).toEqual([status, expect.stringContaining(code)]);
      expect(refused.body + observed.events.join("\n")).not.toContain("canary");
      expect(observed.uncaught).toEqual([]);
      expect(stack.tenant.recordings()).toHaveLength(0);
      expect((await stack.get(items)).status).toBe(200);
    },
  );

  test("that calls next twice lets one socket in", async () => {
    const twice: Middleware = (_request, _response, next) => {
      next();
      next();
    };
    const stack = await start({ before: [twice] });
    expect(await stack.socket(engine).message()).toContain("OnConnected");
    expect(stack.tenant.sockets.list()).toHaveLength(1);
  });
});

describe("two proxies in one process", () => {
  async function startBoth(): Promise<{ first: Stack; second: Stack; get: Stack["get"] }> {
    const second = await start({ tenant: { hostname: "other.localhost" } });
    const other = createSessionProxy({
      tenant: tenantOptionsAt(second.tenant.origin),
      identify: (request) => testIdentity(request.headers["x-test-user"]),
      prefix: "/other",
      unsafe: { plainHttpTenant: true },
    });
    const first = await start({
      mount: (proxy) => (request, response) => proxy(request, response, () => other(request, response)),
    });
    other.attach(first.server);
    open.push(other);
    return {
      first,
      second,
      get: (path, options = {}) => first.get("", { ...options, path: `/other${path}` }),
    };
  }

  test("share a server and nothing else: each user has a session at each tenant", async () => {
    const { first, second, get } = await startBoth();
    expect((await first.get(items)).status).toBe(200);
    expect((await get(items)).status).toBe(200);
    for (const { tenant } of [first, second]) {
      expect(tenant.sessions.list().map(({ subject }) => subject)).toEqual([nameAtTenant("ann")]);
      expect(loginsAt(tenant)).toHaveLength(1);
    }
    const shownAt = ({ tenant }: Stack) =>
      new Set(tenant.recordings({ path: "/api/v1/items" }).map(credentialIn));
    expect([...shownAt(first)]).not.toContain("");
    expect([...shownAt(first)].some((shown) => shownAt(second).has(shown))).toBe(false);
    await first.get("/_session", { method: "DELETE", headers: { origin: first.origin } });
    expect(first.tenant.sessions.list()).toEqual([]);
    expect((await get("/_session")).json()).toMatchObject({ active: true });
    expect((await get(items)).status).toBe(200);
  });

  test("take their own upgrades, and one that is nobody's is refused, not left hanging", async () => {
    const { first, second } = await startBoth();
    expect(await at(first, `/qlik${engine}`).message()).toContain("OnConnected");
    expect(await at(first, `/other${engine}`).message()).toContain("OnConnected");
    expect([first, second].map(({ tenant }) => tenant.sockets.list().length)).toEqual([1, 1]);
    expect((await at(first, "/nobody").refused).status).toBe(404);
    hostSocket(first.server, "/chat");
    expect(await at(first, "/chat").message()).toBe("host /chat");
  });
});

test("an upgrade of a browser that leaves while its middlewares run leaves nothing behind", async () => {
  let goOn = (): void => {};
  const slow: Middleware = (_request, _response, next) => {
    goOn = next;
  };
  const stack = await start({ before: [slow] });
  const socket = stack.socket(engine);
  await expect.poll(() => stack.proxy.stats().inFlight).toBe(1);
  socket.ws.terminate();
  await socket.closed;
  goOn();
  await expect.poll(() => stack.proxy.stats()).toMatchObject({ inFlight: 0, sockets: 0 });
  await expect.poll(() => stack.tenant.sockets.list()).toEqual([]);
});
