import * as net from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { sendBytes } from "../support/raw-client.ts";
import { startRawUpstream, type RawUpstream } from "../support/raw-upstream.ts";
import { startStack, type Stack, type StackOptions } from "../support/stack.ts";
import { wire } from "../support/kind-on-the-wire.ts";
import { loginsAt, subjectAt, tenantKind, valueOf } from "../support/tenant-kind.ts";

const open: { close(): Promise<void> }[] = [];
async function start(options?: StackOptions): Promise<Stack> {
  const stack = await startStack(options);
  open.push(stack);
  return stack;
}
async function startRaw(): Promise<RawUpstream> {
  const upstream = await startRawUpstream();
  open.unshift(upstream);
  return upstream;
}
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const handshake = (stack: Stack, path = "/qlik/app/some-app", extra = "") =>
  `GET ${path} HTTP/1.1\r\nHost: ${new URL(stack.origin).host}\r\nOrigin: ${stack.origin}\r\nx-test-user: ann\r\n` +
  `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
  `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${extra}\r\n`;

async function firstApp(stack: Stack): Promise<string> {
  const answer = await stack.get("/api/v1/items?resourceType=app");
  return (answer.json() as { data: { resourceId: string }[] }).data[0]?.resourceId ?? "";
}

describe("upgrade", () => {
  test("the engine's first message arrives, and calls are answered", async () => {
    const stack = await start();
    const app = await firstApp(stack);
    const socket = stack.socket(`/app/${app}?reloadUri=x&`);
    expect(JSON.parse(await socket.message())).toMatchObject({
      method: "OnConnected",
      params: { qSessionState: "SESSION_CREATED" },
    });
    socket.ws.send(JSON.stringify({ jsonrpc: "2.0", id: 1, handle: -1, method: "OpenDoc", params: [app] }));
    const opened = await socket.message((text) => text.includes('"id":1'));
    expect(JSON.parse(opened)).toMatchObject({ result: { qReturn: { qType: "Doc", qGenericId: app } } });
    const [seen] = stack.tenant.recordings({ upgrade: true });
    const asked = wire.target(`/app/${app}?reloadUri=x&`, (name) => seen && valueOf(seen, name));
    const joint = asked.endsWith("&") ? "" : "&";
    expect(seen?.url.replace(/=[^=&]+$/, "=")).toBe(
      wire.token.inUpgrades ? `${asked}${joint}qlik-csrf-token=` : asked,
    );
    // The browser's never: one of its list, where the tenant wants one.
    expect(seen && valueOf(seen, "origin")).toBe(wire.wantsOrigin ? stack.tenant.origin : undefined);
    expect((await stack.get("/_session")).json()).toMatchObject({ sockets: 1 });
  });

  test("a message in the same packet as the 101 leaves in the same packet", async () => {
    const stack = await start();
    const app = await firstApp(stack);
    const { port } = new URL(stack.origin);
    const socket = net.connect(Number(port), "127.0.0.1");
    socket.write(handshake(stack, `/qlik/app/${app}`));
    const first = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    socket.destroy();
    expect(first.toString("latin1")).toMatch(/^HTTP\/1\.1 101 [\s\S]*OnConnected/);
    expect(first.toString("latin1")).not.toMatch(/set-cookie/i);
  });

  test.each([
    ["a foreign origin", { origin: "https://evil.example" }, 403],
    ["an origin that only begins like ours", { origin: "http://portal.localhost.evil.example" }, 403],
    ["no origin", { origin: "" }, 403],
    ["nobody signed in", { "x-test-user": "" }, 401],
  ])("%s is refused before the tenant hears of it", async (_name, headers, status) => {
    const stack = await start();
    const bytes = handshake(stack)
      .split("\r\n")
      .map((line) => {
        const [name = ""] = line.split(":");
        const changed = Object.entries(headers).find(([each]) => each.toLowerCase() === name.toLowerCase());
        if (!changed) return line;
        return changed[1] === "" ? null : `${name}: ${changed[1]}`;
      })
      .filter((line) => line !== null)
      .join("\r\n");
    const { text, closed } = await sendBytes(stack.origin, bytes);
    expect([text.slice(0, 12), closed]).toEqual([`HTTP/1.1 ${status}`, true]);
    expect(stack.tenant.recordings()).toHaveLength(0);
  });

  test.each([
    ["two keys", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400],
    ["a body", "Content-Length: 5\r\n", 400],
  ])("a handshake with %s is refused", async (_name, extra, status) => {
    const stack = await start();
    const { text } = await sendBytes(stack.origin, handshake(stack, undefined, extra));
    expect(text.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
  });

  test("paths outside the policy and ambiguous targets are refused as they are for requests", async () => {
    const stack = await start();
    const statusOf = async (path: string) =>
      (await sendBytes(stack.origin, handshake(stack, path))).text.slice(9, 12);
    expect(await statusOf("/qlik/api/v1/events")).toBe("404");
    expect(await statusOf("/qlik/app/%2e%2e/api/v1/users")).toBe("400");
    expect(await statusOf("/qlik/app/..%2f..%2fadmin")).toBe("400");
    expect(await statusOf("/elsewhere")).toBe("404");
  });

  test("a refusal of the tenant reaches the browser as one, without the tenant's headers", async () => {
    const upstream = await startRaw();
    const stack = await start({ tenantOrigin: upstream.origin });
    upstream.handle((_request, socket) =>
      socket.write(
        "HTTP/1.1 426 Nope\r\nSet-Cookie: leak=1\r\nLocation: https://tenant.example/login\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nnope",
      ),
    );
    const { text, closed } = await sendBytes(stack.origin, `${handshake(stack)}smuggled bytes`);
    expect(text).toMatch(/^HTTP\/1\.1 426 /);
    expect(text).toMatch(/nope$/);
    expect(text).not.toMatch(/leak|tenant\.example/);
    expect(closed).toBe(true);
  });

  test.each([
    [
      "a wrong accept value",
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n",
    ],
    ["no accept value", "Upgrade: websocket\r\nConnection: Upgrade\r\n"],
    [
      "a sub-protocol nobody asked for",
      `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: x\r\n`,
    ],
    [
      "an extension nobody asked for",
      `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n`,
    ],
  ])("a 101 with %s opens nothing", async (_name, headers) => {
    const upstream = await startRaw();
    const stack = await start({ tenantOrigin: upstream.origin });
    upstream.handle((_request, socket) => socket.write(`HTTP/1.1 101 Switching\r\n${headers}\r\n`));
    const { text, closed } = await sendBytes(stack.origin, handshake(stack));
    expect([text.slice(0, 12), closed]).toEqual(["HTTP/1.1 502", true]);
  });

  test("bytes sent along with the handshake reach the tenant after its 101, once", async () => {
    const upstream = await startRaw();
    const stack = await start({ tenantOrigin: upstream.origin });
    const received: Buffer[] = [];
    upstream.handle((_request, socket) => {
      socket.on("data", (chunk) => received.push(chunk));
      setTimeout(() => {
        expect(Buffer.concat(received)).toHaveLength(0);
        socket.write(
          `HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
      }, 100);
    });
    const { port } = new URL(stack.origin);
    const socket = net.connect(Number(port), "127.0.0.1");
    const frame = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
    socket.write(Buffer.concat([Buffer.from(handshake(stack)), frame]));
    await expect.poll(() => Buffer.concat(received).toString("hex")).toBe(frame.toString("hex"));
    socket.destroy();
  });

  test("a lost session is renewed before the 101, once", async () => {
    const stack = await start();
    const app = await firstApp(stack);
    stack.tenant.sessions.expire();
    const socket = stack.socket(`/app/${app}`);
    expect(await socket.message()).toContain("OnConnected");
    expect(loginsAt(stack.tenant, tenantKind)).toHaveLength(2);
  });

  test("a user whose rights have not spread yet is let in as soon as they have", async () => {
    const stack = await start();
    stack.tenant.enqueue({ method: "UPGRADE", path: "/app/**", status: 403 });
    stack.tenant.enqueue({ method: "UPGRADE", path: "/app/**", status: 403 });
    const socket = stack.socket(`/app/${await firstApp(stack)}`);
    expect(await socket.message()).toContain("OnConnected");
  });

  test("over the limit of sockets of one session, the next is told to wait", async () => {
    const stack = await start({ proxy: { limits: { socketsPerSession: 2 } } });
    const app = await firstApp(stack);
    const sockets = [1, 2].map((id) => stack.socket(`/app/${app}/identity/${id}`));
    await Promise.all(sockets.map((socket) => socket.message()));
    const refused = await stack.socket(`/app/${app}`).refused;
    expect([refused.status, refused.body]).toEqual([503, expect.stringContaining("QSP-BUSY")]);
    sockets[0]?.ws.close();
    await sockets[0]?.closed;
    await expect.poll(() => stack.proxy.stats().sockets).toBe(1);
    expect(await stack.socket(`/app/${app}`).message()).toContain("OnConnected");
  });
});

describe("an open socket", () => {
  test("counts for the limit of the process, whosever it is, and so does a handshake under way", async () => {
    const stack = await start({ proxy: { limits: { sockets: 2 } } });
    const path = `/app/${await firstApp(stack)}`;
    const ann = stack.socket(path);
    await ann.message();
    stack.tenant.fault({ kind: "delay", ms: 300, method: "UPGRADE", path: "/app/**" });
    const bob = stack.socket(path, { user: "bob" });
    await expect.poll(() => stack.proxy.stats().inFlight).toBe(1);
    const refused = await stack.socket(path, { user: "cy" }).refused;
    expect([refused.status, refused.body]).toEqual([503, expect.stringContaining("QSP-BUSY")]);
    await bob.message();
    ann.ws.close();
    await ann.closed;
    await expect.poll(() => stack.proxy.stats().sockets).toBe(1);
    expect(await stack.socket(path, { user: "cy" }).message()).toContain("OnConnected");
  });

  test("is closed with 4203 when its user logs out, the tenant's side too", async () => {
    const stack = await start();
    const app = await firstApp(stack);
    const ours = stack.socket(`/app/${app}`, { user: "ann;1" });
    const others = stack.socket(`/app/${app}`, { user: "bob;1" });
    await Promise.all([ours.message(), others.message()]);
    await stack.get("/_session", { method: "DELETE", user: "ann;1", headers: { origin: stack.origin } });
    expect(await ours.closed).toEqual({ code: 4203, reason: '{"code":"QSP-LOGOUT"}' });
    await expect
      .poll(() => stack.tenant.sockets.list().map(({ subject }) => subject))
      .toEqual([subjectAt(tenantKind, "bob")]);
    expect(others.ws.readyState).toBe(others.ws.OPEN);
  });

  test("outlives the renewal of its session", async () => {
    const stack = await start();
    const app = await firstApp(stack);
    const socket = stack.socket(`/app/${app}`);
    await socket.message();
    stack.tenant.sessions.expire();
    expect((await stack.get("/api/v1/users/me")).status).toBe(200);
    socket.ws.send(
      JSON.stringify({ jsonrpc: "2.0", id: 7, handle: -1, method: "EngineVersion", params: [] }),
    );
    expect(await socket.message((text) => text.includes('"id":7'))).toContain("result");
  });

  test.each([4204, 4003, 1001, 4999])(
    "the tenant's close code %i and its reason arrive as they were sent",
    async (code) => {
      const stack = await start();
      const socket = stack.socket(`/app/${await firstApp(stack)}`);
      await socket.message();
      stack.tenant.sockets.close({ code, reason: `{"code":"QEP-${code}"}` });
      expect(await socket.closed).toEqual({ code, reason: `{"code":"QEP-${code}"}` });
    },
  );

  test("that loses the tenant is told to come back at once, and the second time within a minute to wait", async () => {
    const stack = await start();
    const app = await firstApp(stack);
    for (const code of [4003, 4206]) {
      const socket = stack.socket(`/app/${app}`);
      await socket.message();
      stack.tenant.sockets.destroy();
      expect((await socket.closed).code).toBe(code);
    }
  });

  test("that is lost together with others of the same path comes back with them", async () => {
    const stack = await start();
    const app = await firstApp(stack);
    const sockets = [stack.socket(`/app/${app}`), stack.socket(`/app/${app}`)];
    await Promise.all(sockets.map((socket) => socket.message()));
    stack.tenant.sockets.destroy();
    expect((await Promise.all(sockets.map(({ closed }) => closed))).map(({ code }) => code)).toEqual([
      4003, 4003,
    ]);
  });

  test("is closed with 4003 by a drain, which ends when nothing is in flight", async () => {
    const stack = await start({ proxy: { timeouts: { drainDelay: 100, drain: 2000 } } });
    const app = await firstApp(stack);
    const sockets = [1, 2, 3].map((id) => stack.socket(`/app/${app}/identity/${id}`));
    await Promise.all(sockets.map((socket) => socket.message()));
    await stack.proxy.drain();
    expect((await Promise.all(sockets.map((socket) => socket.closed))).map(({ code }) => code)).toEqual([
      4003, 4003, 4003,
    ]);
    expect((await stack.socket(`/app/${app}`).refused).status).toBe(503);
    expect(stack.proxy.stats()).toMatchObject({ sockets: 0, draining: true });
  });

  test("that the browser drops without a word leaves nothing behind", async () => {
    const stack = await start();
    const socket = stack.socket(`/app/${await firstApp(stack)}`);
    await socket.message();
    socket.ws.terminate();
    await expect.poll(() => stack.proxy.stats().sockets).toBe(0);
    await expect.poll(() => stack.tenant.sockets.list().length).toBe(0);
  });
});
