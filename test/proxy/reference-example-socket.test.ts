/* The faults of the vendor's reference example (facts §12) that concern WebSockets; the list of rows left out stands in reference-example-login. */
import { once } from "node:events";
import * as net from "node:net";
import { afterEach, expect, test } from "vitest";
import { observeProcess, type ObservedProcess } from "../support/observed-process.ts";
import { sendBytes } from "../support/raw-client.ts";
import { startRawUpstream } from "../support/raw-upstream.ts";
import { startSocketTenant, type SocketTenant } from "../support/socket-tenant.ts";
import { startStack, type Stack, type StackOptions } from "../support/stack.ts";

const open: { close(): Promise<void> }[] = [];
async function start(options?: StackOptions): Promise<Stack> {
  const stack = await startStack(options);
  open.push(stack);
  return stack;
}
async function startWithSockets(
  proxy?: StackOptions["proxy"],
): Promise<{ stack: Stack; tenant: SocketTenant }> {
  const tenant = await startSocketTenant();
  open.push(tenant);
  return { tenant, stack: await start({ tenantOrigin: tenant.origin, ...(proxy ? { proxy } : {}) }) };
}
function observe(): ObservedProcess {
  const observed = observeProcess();
  open.push({ close: async () => observed.stop() });
  return observed;
}
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const logins = ({ tenant }: Stack) => tenant.recordings({ method: "POST", path: "/login/jwt-session" });
const mebibyte = 1024 * 1024;

async function firstApp(stack: Stack): Promise<string> {
  const answer = await stack.get("/api/v1/items?resourceType=app");
  return (answer.json() as { data: { resourceId: string }[] }).data[0]?.resourceId ?? "";
}

/** A handshake as bytes; lines that are "" are left out. */
const handshake = (stack: Stack, path: string, ...lines: readonly string[]) =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: ${new URL(stack.origin).host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...lines,
    "\r\n",
  ].join("\r\n");

/** Resolves when a number has not grown for a while. */
async function untilStill(read: () => number): Promise<void> {
  for (let before = -1; before !== read();) {
    before = read();
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

test("a storm of anonymous upgrades, with and without query, ends no process and makes no login (facts §12)", async () => {
  const observed = observe();
  const stack = await start();
  const origin = `Origin: ${stack.origin}`;
  const paths = [
    "/",
    "/app/x",
    "/qlik",
    "/qlik/",
    "/qlik/app/x",
    "/qlik/app/x?",
    "/qlik/app/x?qlik-csrf-token=",
    "/qlik/app/%",
    "/qlik/?_csrfToken=",
  ];
  for (let round = 0; round < 10; round += 1) {
    const answers = await Promise.all(
      paths.map((path) => sendBytes(stack.origin, handshake(stack, path, ...(round % 2 ? [origin] : [])))),
    );
    for (const { text, closed } of answers) {
      expect(text).toMatch(/^HTTP\/1\.1 4\d\d /);
      expect(closed).toBe(true);
    }
  }
  expect(observed.uncaught).toEqual([]);
  expect(stack.tenant.recordings()).toHaveLength(0);
  expect(stack.proxy.stats()).toMatchObject({ sessions: 0, sockets: 0, inFlight: 0 });
  expect(await stack.socket(`/app/${await firstApp(stack)}`).message()).toContain("OnConnected");
});

test("an upgrade with a stale or forged cookie is refused as any other without a user (facts §12)", async () => {
  const observed = observe();
  const stack = await start();
  const { text, closed } = await sendBytes(
    stack.origin,
    handshake(
      stack,
      "/qlik/app/x",
      `Origin: ${stack.origin}`,
      "Cookie: connect.sid=s%3Aforged.x; eas.sid=forged",
    ),
  );
  expect([text.slice(0, 12), closed]).toEqual(["HTTP/1.1 401", true]);
  expect(observed.uncaught).toEqual([]);
  expect(stack.tenant.recordings()).toHaveLength(0);
});

test("an upgrade may come before any request: it makes the session itself, once (facts §12)", async () => {
  const known = await start();
  const app = await firstApp(known);
  const stack = await start();
  const sockets = [1, 2, 3].map((id) => stack.socket(`/app/${app}/identity/${id}`));
  for (const socket of sockets) expect(await socket.message()).toContain("OnConnected");
  expect(logins(stack)).toHaveLength(1);
});

test("only engine paths may be upgraded, and only from our own pages (facts §12)", async () => {
  const stack = await start();
  const status = async (path: string, origin: string) =>
    (
      await sendBytes(stack.origin, handshake(stack, path, `Origin: ${origin}`, "x-test-user: ann"))
    ).text.slice(9, 12);
  for (const path of ["/qlik/api/v1/events", "/qlik/anything", "/qlik/sense/app/x", "/app/x"])
    expect([path, await status(path, stack.origin)]).toEqual([path, "404"]);
  for (const origin of [
    "https://evil.example",
    "null",
    `${stack.origin}.evil.example`,
    stack.origin.toUpperCase(),
  ])
    expect([origin, await status("/qlik/app/x", origin)]).toEqual([
      origin,
      expect.stringMatching(/^40[03]$/),
    ]);
  expect(stack.tenant.recordings()).toHaveLength(0);
});

test("identity, ttl, encoded ids and every parameter of an engine address arrive as they were written (facts §12)", async () => {
  const { stack, tenant } = await startWithSockets();
  const wss = "wss%253A%252F%252Fportal%252Fsense%252Fapp%252Fx";
  const paths = [
    "/app/abc",
    "/app/abc/identity/tab%201/ttl/60",
    `/app/abc?reloadUri=${wss}&workloadType=interactive-reload`,
    "/app/SessionApp_1?from=abc",
    "/app/%3Ftransient%3D",
    "/app/engineData?",
    "/app/abc?&&a=1",
  ];
  for (const path of paths) {
    const socket = stack.socket(path);
    await tenant.next();
    await once(socket.ws, "open");
    socket.ws.terminate();
    const url = tenant.upgrades.at(-1)?.url ?? "";
    expect(url).toMatch(/[?&]qlik-csrf-token=socket-token$/);
    const rest = url.replace(/[?&]?qlik-csrf-token=socket-token$/, "");
    expect(rest.replace(/[?&]$/, "")).toBe(path.replace(/[?&]$/, ""));
  }
});

test("a tenant that never answers the upgrade is a 504 in time (facts §12)", async () => {
  const upstream = await startRawUpstream(() => {});
  open.unshift(upstream);
  const stack = await start({ tenantOrigin: upstream.origin, proxy: { timeouts: { headers: 1000 } } });
  const refused = await stack.socket("/app/x").refused;
  expect([refused.status, refused.body]).toEqual([504, expect.stringContaining("QSP-TIMEOUT")]);
  await expect.poll(() => stack.proxy.stats().inFlight).toBe(0);
});

test("whatever either side closes with reaches the other, code and reason (facts §12)", async () => {
  const { stack, tenant } = await startWithSockets();
  const closings = [
    { code: 1000, reason: "" },
    { code: 4000, reason: "suspended" },
    { code: 4204, reason: '{"code":"QEP-104","traceId":"x"}' },
    { code: 4999, reason: "å".repeat(60) },
  ];
  for (const { code, reason } of closings) {
    const first = stack.socket("/app/x");
    (await tenant.next()).ws.close(code, reason);
    expect(await first.closed).toEqual({ code, reason });

    const second = stack.socket("/app/x");
    const { ws } = await tenant.next();
    const closed = once(ws, "close");
    if (second.ws.readyState !== second.ws.OPEN) await once(second.ws, "open");
    second.ws.close(code, reason);
    const [gotCode, gotReason] = (await closed) as [number, Buffer];
    expect([gotCode, gotReason.toString("utf8")]).toEqual([code, reason]);
  }
  await expect.poll(() => stack.proxy.stats().sockets).toBe(0);
});

test("a side that is gone without a word takes the other with it (facts §12)", async () => {
  const { stack, tenant } = await startWithSockets();
  const first = stack.socket("/app/x");
  (await tenant.next()).socket.resetAndDestroy();
  expect([4003, 4206]).toContain((await first.closed).code);
  const second = stack.socket("/app/y");
  const { ws } = await tenant.next();
  const closed = once(ws, "close");
  if (second.ws.readyState !== second.ws.OPEN) await once(second.ws, "open");
  second.ws.terminate();
  await closed;
  await expect.poll(() => stack.proxy.stats().sockets).toBe(0);
});

test("frames glued to the handshake are not lost, and keep their order with those that follow (facts §12)", async () => {
  const { stack, tenant } = await startWithSockets();
  const { port } = new URL(stack.origin);
  const client = net.connect(Number(port), "127.0.0.1");
  client.on("error", () => {});
  const frame = (text: string) =>
    Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
  const lines = [`Origin: ${stack.origin}`, "x-test-user: ann"];
  client.write(
    Buffer.concat([Buffer.from(handshake(stack, "/qlik/app/x", ...lines)), frame("1"), frame("2")]),
  );
  client.write(frame("3"));
  const { ws } = await tenant.next();
  const received: string[] = [];
  ws.on("message", (data: Buffer) => received.push(data.toString("utf8")));
  await expect.poll(() => received.length).toBe(3);
  client.write(Buffer.concat([frame("4"), frame("5")]));
  await expect.poll(() => received.join("")).toBe("12345");
  client.destroy();
});

test("messages that cross each other arrive whole, in order, as text or binary as they were sent (facts §12)", async () => {
  const { stack, tenant } = await startWithSockets();
  const { ws: browser } = stack.socket("/app/x");
  const { ws } = await tenant.next();
  if (browser.readyState !== browser.OPEN) await once(browser, "open");
  const sizes = [0, 1, 125, 126, 65_535, 65_536, 300_000];
  const messages = Array.from({ length: 140 }, (_, index) => ({
    binary: index % 3 === 0,
    data: Buffer.alloc(
      sizes[index % sizes.length] ?? 0,
      index % 3 === 0 ? 128 + (index % 100) : 97 + (index % 26),
    ),
  }));
  const collect = (end: typeof browser): { binary: boolean; data: Buffer }[] => {
    const all: { binary: boolean; data: Buffer }[] = [];
    end.on("message", (data: Buffer, binary: boolean) => all.push({ binary, data }));
    return all;
  };
  const [atTenant, atBrowser] = [collect(ws), collect(browser)];
  for (const { data, binary } of messages) {
    browser.send(data, { binary });
    ws.send(data, { binary });
    if (data.length > 100_000) await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => [atTenant.length, atBrowser.length], { timeout: 10_000 }).toEqual([140, 140]);
  for (const arrived of [atTenant, atBrowser]) {
    expect(arrived.map(({ binary }) => binary)).toEqual(messages.map(({ binary }) => binary));
    expect(arrived.every(({ data }, index) => data.equals(messages[index]?.data ?? Buffer.from("?")))).toBe(
      true,
    );
  }
  browser.terminate();
});

test("a browser that does not read stops the tenant: memory stays bounded (facts §12)", async () => {
  const { stack, tenant } = await startWithSockets();
  const { ws: browser, closed } = stack.socket("/app/x");
  const { ws, socket } = await tenant.next();
  if (browser.readyState !== browser.OPEN) await once(browser, "open");
  browser.pause();
  const piece = Buffer.alloc(mebibyte, 1);
  for (let count = 0; count < 128; count += 1) ws.send(piece, { compress: false });
  const taken = () => socket.bytesWritten - socket.writableLength;
  await untilStill(taken);
  expect(taken()).toBeLessThan(48 * mebibyte);
  let received = 0;
  browser.on("message", (data: Buffer) => (received += data.length));
  browser.resume();
  await expect.poll(() => received, { timeout: 15_000 }).toBe(128 * mebibyte);
  browser.close(1000);
  expect((await closed).code).toBe(1000);
});

test("a tenant that does not read stops the browser: memory stays bounded (facts §12)", async () => {
  const { stack, tenant } = await startWithSockets();
  const { ws: browser } = stack.socket("/app/x");
  const { ws } = await tenant.next();
  if (browser.readyState !== browser.OPEN) await once(browser, "open");
  ws.pause();
  const piece = Buffer.alloc(mebibyte, 1);
  for (let count = 0; count < 128; count += 1) browser.send(piece, { compress: false });
  const taken = () => 128 * mebibyte - browser.bufferedAmount;
  await untilStill(taken);
  expect(taken()).toBeLessThan(48 * mebibyte);
  let received = 0;
  ws.on("message", (data: Buffer) => (received += data.length));
  ws.resume();
  await expect.poll(() => received, { timeout: 15_000 }).toBe(128 * mebibyte);
  browser.terminate();
});

test("pings of either side reach the other, and a socket that nobody uses is closed with a code (facts §12)", async () => {
  const { stack, tenant } = await startWithSockets({ timeouts: { socketIdle: 1000 } });
  const { ws: browser, closed } = stack.socket("/app/x");
  const { ws } = await tenant.next();
  if (browser.readyState !== browser.OPEN) await once(browser, "open");
  const pongs = Promise.all([once(browser, "pong"), once(ws, "pong")]);
  browser.ping("up");
  ws.ping("down");
  expect((await pongs).map(([data]) => String(data))).toEqual(["up", "down"]);
  expect(await closed).toEqual({ code: 4205, reason: '{"code":"QSP-IDLE"}' });
});
