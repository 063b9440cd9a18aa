import * as http2 from "node:http2";
import { generate } from "selfsigned";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { bytesOf, type TenantEmulator } from "../../src/emulator.ts";
import type { SessionProxyOptions } from "../../src/index.ts";
import { type RunningServer, startServer } from "../../src/server/standalone.ts";
import { eventually } from "../support/assertions.ts";
import { connectRawHttp2, type RawHttp2 } from "../support/raw-http2.ts";
import { startRawUpstream, type RawUpstream } from "../support/raw-upstream.ts";
import { optionsFor, startTestTenant, testIdentity } from "../support/stack.ts";
import { echoRule } from "../support/started.ts";

const authority = "portal.example.test";
const origin = `https://${authority}`;
const items = "/qlik/api/v1/items?limit=2";

let pair: { readonly cert: string; readonly private: string };
beforeAll(async () => {
  pair = await generate([{ name: "commonName", value: "localhost" }], { keyType: "ec", algorithm: "sha256" });
});

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface World {
  readonly server: RunningServer;
  readonly tenant: TenantEmulator;
  readonly port: number;
  readonly session: http2.ClientHttp2Session;
  readonly seen: { host: string | undefined; cookie: string | undefined }[];
  raw(): Promise<RawHttp2>;
}

async function start(more: Partial<SessionProxyOptions> = {}, tenantOrigin?: string): Promise<World> {
  const tenant = await startTestTenant();
  closing.push(() => tenant.close());
  const seen: World["seen"] = [];
  const usual = optionsFor(tenant, origin, {
    identityHeaders: ["x-test-user"],
    policy: { presets: ["embed", "embed-write"], allow: [echoRule] },
    ...more,
  });
  const server = await startServer({
    listen: { host: "127.0.0.1", port: 0 },
    http2: true,
    tls: { cert: pair.cert, key: pair.private },
    drain: { delay: 0, deadline: 2000 },
    options: {
      ...usual,
      tenant: { ...usual.tenant, origin: tenantOrigin ?? tenant.origin },
      identify(request) {
        seen.push({ host: request.headers.host, cookie: request.headers.cookie });
        return testIdentity(request.headers["x-test-user"]);
      },
    },
  });
  closing.push(() => server.close());
  const port = Number(new URL(server.url).port);
  const session = http2.connect(`https://127.0.0.1:${port}`, { ca: pair.cert, servername: "localhost" });
  session.on("error", () => {});
  closing.push(() => session.destroy());
  const raw = async (): Promise<RawHttp2> => {
    const connection = await connectRawHttp2(port);
    closing.push(() => connection.close());
    return connection;
  };
  return { server, tenant, port, session, seen, raw };
}

async function startRaw(): Promise<World & { readonly upstream: RawUpstream }> {
  const upstream = await startRawUpstream();
  closing.push(() => upstream.close());
  return { ...(await start({}, upstream.origin)), upstream };
}

interface Answer {
  readonly headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader;
  readonly body: Buffer;
  /** What the stream was closed with: 0 is an orderly end. */
  readonly code: number | undefined;
}

function ask(
  { session }: Pick<World, "session">,
  path: string,
  headers: http2.OutgoingHttpHeaders = {},
  body?: Buffer | string,
): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = session.request(
      {
        ":path": path,
        ":authority": authority,
        "x-test-user": "ann",
        "sec-fetch-site": "same-origin",
        ...headers,
      },
      { endStream: body === undefined },
    );
    let head: Answer["headers"] = {};
    const chunks: Buffer[] = [];
    stream.on("response", (given) => (head = given));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => {});
    stream.on("close", () => resolve({ headers: head, body: Buffer.concat(chunks), code: stream.rstCode }));
    if (body !== undefined) stream.end(body);
  });
}

const post = { ":method": "POST", origin, "content-type": "application/json" };

describe("with http2: true, the listener", () => {
  test("answers HTTP/2 and HTTP/1.1 alike, and WebSockets over HTTP/1.1", async () => {
    const world = await start();
    const answer = await ask(world, items);
    expect([answer.headers[":status"], answer.headers["cache-control"]]).toEqual([200, "private, no-cache"]);
    expect(answer.headers).not.toHaveProperty("connection");
    expect(answer.body.toString()).toContain(`${origin}/qlik/api/v1/items`);
    const ws = new WebSocket(`wss://127.0.0.1:${world.port}/qlik/app/engineData`, [], {
      rejectUnauthorized: false,
      headers: { host: authority, origin, "x-test-user": "ann" },
    });
    const first = await new Promise<string>((resolve, reject) => {
      ws.on("message", (data: Buffer) => resolve(data.toString()));
      ws.on("error", reject);
    });
    expect(first).toContain("OnConnected");
    ws.terminate();
    expect(world.session.remoteSettings.enableConnectProtocol).toBeFalsy();
    expect(world.session.remoteSettings.maxConcurrentStreams).toBe(100);
  });

  test("shows identify a Host, one Cookie of all its crumbs, and no pseudo-header to the tenant", async () => {
    const world = await start();
    await ask(world, items, { cookie: ["a=1", "b=2"] });
    expect(world.seen[0]).toEqual({ host: authority, cookie: "a=1; b=2" });
    const [sent] = world.tenant.recordings({ path: "/api/v1/items" });
    expect(sent?.headers.filter(([name]) => name.startsWith(":"))).toEqual([]);
    expect(sent?.headers.find(([name]) => name === "cookie")?.[1]).not.toContain("a=1");
  });

  test("takes bodies with and without a length, trailers aside, and gives downloads byte for byte", async () => {
    const world = await start();
    const body = JSON.stringify({ type: "sense-image-1.0" });
    expect((await ask(world, "/qlik/api/v1/reports", post, body)).headers[":status"]).toBe(202);
    const sized = { ...post, "content-length": body.length };
    expect((await ask(world, "/qlik/api/v1/reports", sized, body)).headers[":status"]).toBe(202);
    const stream = world.session.request(
      { ":path": "/qlik/api/v1/reports", ":authority": authority, "x-test-user": "ann", ...post },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-test-user": "bob", cookie: "c=3" }));
    const status = new Promise((resolve) => stream.on("response", (head) => resolve(head[":status"])));
    stream.end(body);
    stream.resume();
    expect(await status).toBe(202);
    const sent = world.tenant.recordings({ path: "/api/v1/reports" });
    expect(sent.map(({ bodyStart, subject }) => [bodyStart.toString(), subject])).toEqual(
      [1, 2, 3].map(() => [body, "ann"]),
    );
    const bytes = Buffer.alloc(3 * 1024 * 1024, "0123456789abcdef!");
    const { id } = world.tenant.addTempContent({ name: "a.csv", bytes: bytesOf(bytes) });
    const whole = await ask(world, `/qlik/api/v1/temp-contents/${id}`);
    expect([whole.headers[":status"], whole.body.equals(bytes), whole.code]).toEqual([200, true, 0]);
    const head = await ask(world, items, { ":method": "HEAD" });
    expect([head.headers[":status"], head.body.length, head.code]).toEqual([200, 0, 0]);
  });

  test("takes a request back where its stream is reset, and ends a broken answer with an error", async () => {
    const world = await startRaw();
    const { upstream } = world;
    await ask(world, "/qlik/api/v1/echo/a", post, "");
    for (const socket of upstream.sockets) socket.destroy();
    await eventually(() => expect(upstream.sockets.size).toBe(0));
    upstream.handle(() => {});
    const stream = world.session.request({
      ":path": "/qlik/api/v1/echo/a",
      ":authority": authority,
      "x-test-user": "ann",
      "sec-fetch-site": "same-origin",
    });
    stream.on("error", () => {});
    await eventually(() => expect(upstream.sockets.size).toBe(1));
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await eventually(() => {
      expect(upstream.sockets.size).toBe(0);
      expect(world.server.proxy.stats().inFlight).toBe(0);
    });
    upstream.handle((_request, socket) => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
      setTimeout(() => socket.destroy(), 30);
    });
    const cut = await ask(world, "/qlik/api/v1/echo/a");
    expect([cut.body.toString(), cut.code]).toEqual(["hello", http2.constants.NGHTTP2_INTERNAL_ERROR]);
    // Its neighbours on the connection are none the worse for it.
    upstream.handle(
      (_request, socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    );
    expect((await ask(world, "/qlik/api/v1/echo/a")).body.toString()).toBe("ok");
  });

  test("slows a tenant down where the browser does not read", async () => {
    const world = await startRaw();
    const size = 50 * 1024 * 1024;
    let given = 0;
    world.upstream.handle((_request, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const piece = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (given < size) {
          given += piece.length;
          if (!socket.write(piece)) return void socket.once("drain", more);
        }
      };
      more();
    });
    const stream = world.session.request({
      ":path": "/qlik/api/v1/echo/a",
      ":authority": authority,
      "x-test-user": "ann",
      "sec-fetch-site": "same-origin",
    });
    stream.on("error", () => {});
    stream.pause();
    await eventually(async () => {
      const before = given;
      expect(before).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(given).toBe(before);
    });
    expect(given).toBeLessThan(size / 2);
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await eventually(() => expect(world.server.proxy.stats().inFlight).toBe(0));
  });

  test("drains: GOAWAY, what is under way is answered, and the connection ends", async () => {
    const world = await startRaw();
    let answer = (): void => {};
    world.upstream.handle((_request, socket) => {
      answer = () => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    const waiting = ask(world, "/qlik/api/v1/echo/a");
    await eventually(() =>
      expect(world.upstream.seen.some(({ path }) => path === "/api/v1/echo/a")).toBe(true),
    );
    const goaway = new Promise((resolve) => world.session.once("goaway", resolve));
    const drained = world.server.drain();
    setTimeout(() => answer(), 50);
    expect((await waiting).body.toString()).toBe("ok");
    expect(await goaway).toBe(http2.constants.NGHTTP2_NO_ERROR);
    await drained;
    await eventually(() => expect(world.session.destroyed).toBe(true));
  });
});

describe("over HTTP/2, an attack", () => {
  const good = [
    [":method", "GET"],
    [":scheme", "https"],
    [":path", items],
    [":authority", authority],
    ["x-test-user", "ann"],
    ["sec-fetch-site", "same-origin"],
  ] as const;
  /** With other fields, or none, in the place of one. */
  const instead = (
    of: string,
    ...fields: readonly (readonly [string, string])[]
  ): readonly (readonly [string, string])[] => good.flatMap((field) => (field[0] === of ? fields : [field]));

  test("the raw client itself is understood", async () => {
    const world = await start();
    const raw = await world.raw();
    raw.headers(1, good);
    const body = await raw.until(({ type, stream }) => type === "DATA" && stream === 1);
    expect(body).toMatchObject({ payload: expect.any(Buffer) });
    expect(world.tenant.recordings({ path: "/api/v1/items" })).toHaveLength(1);
  });

  test.each<[string, readonly (readonly [string, string])[], "refused" | "QSP-TARGET"]>([
    ["a Connection header", [...good, ["connection", "x-test-user"]], "refused"],
    ["a Transfer-Encoding", [...good, ["transfer-encoding", "chunked"]], "refused"],
    ["an Upgrade", [...good, ["upgrade", "websocket"]], "refused"],
    ["a Proxy-Connection", [...good, ["proxy-connection", "keep-alive"]], "refused"],
    ["a name in capitals", [...good, ["X-Test-User", "bob"]], "refused"],
    [
      "a second :authority",
      instead(":authority", [":authority", authority], [":authority", "evil.example"]),
      "refused",
    ],
    ["a second :path", instead(":path", [":path", items], [":path", "/qlik/api/v1/admin"]), "refused"],
    ["a pseudo-header behind others", [...instead(":authority"), [":authority", authority]], "refused"],
    ["a length that is not kept", [...good, ["content-length", "5"]], "refused"],
    ["a Host beside another :authority", [...good, ["host", "evil.example"]], "QSP-TARGET"],
    ["two Hosts", [...instead(":authority"), ["host", authority], ["host", "evil.example"]], "refused"],
    ["no host at all", instead(":authority"), "refused"],
    ["another :authority", instead(":authority", [":authority", "evil.example"]), "QSP-TARGET"],
    ["a way out of the prefix", instead(":path", [":path", "/qlik/%2e%2e/admin"]), "QSP-TARGET"],
  ])("with %s does not get through", async (_what, fields, verdict) => {
    const world = await start();
    const raw = await world.raw();
    raw.headers(1, fields);
    const end = await raw.until(
      ({ type, stream }) => stream === 1 && (type === "DATA" || type === "RST_STREAM"),
    );
    const text = end === "closed" || end.type === "RST_STREAM" ? "refused" : end.payload.toString();
    expect(text).toContain(verdict);
    expect(world.tenant.recordings({ path: "/api/v1/items" })).toHaveLength(0);
  });

  test.each([
    ["a line break in a value", ["x-a", "1\r\nx-test-user: bob"]],
    ["a line break in a name", ["x-a: 1\r\nx-b", "2"]],
    ["a value that ends the head", ["x-a", "1\r\n\r\nGET /admin HTTP/1.1"]],
  ] as const)("with %s loses that field, and gains nothing", async (_what, field) => {
    const world = await start();
    const raw = await world.raw();
    raw.headers(1, [...good, field]);
    await raw.until(({ type, stream }) => stream === 1 && type === "DATA");
    const sent = world.tenant.recordings({ path: "/api/v1/items" });
    expect(sent.map(({ subject }) => subject)).toEqual(["ann"]);
    expect(sent[0]?.headers.filter(([name]) => name.startsWith("x-"))).toEqual([]);
    expect(world.tenant.recordings({ path: "/admin" })).toHaveLength(0);
  });

  test("by opening streams only to reset them ends its own connection, and leaves the others alone", async () => {
    const world = await start();
    const raw = await world.raw();
    for (let stream = 1; stream < 8000; stream += 2) {
      raw.headers(stream, good);
      raw.reset(stream);
    }
    await raw.until(({ type }) => type === "GOAWAY");
    expect((await ask(world, "/qlik/_session")).headers[":status"]).toBe(200);
    await eventually(() => expect(world.server.proxy.stats().inFlight).toBe(0));
  });
});
