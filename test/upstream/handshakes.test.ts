/* How a handshake gets to the tenant, and what becomes of its connection. */
import { once } from "node:events";
import * as net from "node:net";
import * as tls from "node:tls";
import { generate } from "selfsigned";
import { describe, expect, test } from "vitest";
import type { SessionProxyError } from "../../src/errors.ts";
import type { Upstream } from "../../src/upstream/upstream.ts";
import { cleanedUp } from "../support/started.ts";
import { wayTo } from "./clients.ts";

const started = cleanedUp();

const switched = "HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const handshake = { path: "/app/x?y=1", headers: ["connection", "Upgrade", "upgrade", "websocket"] };
const patient = () => ({ isGone: false, onGone: null as (() => void) | null });

/** A tenant that does this with each connection, and the connections that it has had. */
async function startTenant(visit: (socket: net.Socket) => void, certificate?: tls.TlsOptions) {
  const sockets: net.Socket[] = [];
  const take = (socket: net.Socket): void => {
    sockets.push(socket);
    socket.on("error", () => {});
    visit(socket);
  };
  const server = certificate ? tls.createServer(certificate, take) : net.createServer(take);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  started.keep({
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  return { port: (server.address() as net.AddressInfo).port, sockets };
}

const way = (port: number, options: Parameters<typeof wayTo>[2] = {}): Upstream =>
  started.keep(wayTo("own", `http://127.0.0.1:${port}`, options));

const codeOf = async (answer: Promise<unknown>): Promise<unknown> =>
  answer.then(
    () => "an answer",
    (error: unknown) => {
      const { code, reason } = error as SessionProxyError;
      return `${code}: ${reason}`;
    },
  );

test("what is sent is the handshake and nothing else", async () => {
  let sent = "";
  const { port } = await startTenant((socket) => {
    socket.on("data", (chunk) => {
      sent += chunk.toString();
      socket.write(switched);
    });
  });
  const answer = await way(port).connect(handshake, patient());
  expect(sent).toBe(
    `GET /app/x?y=1 HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`,
  );
  if ("socket" in answer) answer.socket.destroy();
});

test("what comes behind the 101 waits for whoever takes the socket, and nothing else listens to it", async () => {
  const { port, sockets } = await startTenant((socket) => {
    socket.once("data", () => socket.write(`${switched}one`));
  });
  const answer = await way(port).connect(handshake, patient());
  if (!("socket" in answer)) throw new Error("refused");
  expect(answer.head.toString()).toBe("one");
  sockets[0]?.end("two");
  await once(answer.socket, "readable");
  const listening = (["data", "error", "close", "drain"] as const).map((event) =>
    answer.socket.listenerCount(event),
  );
  expect(listening).toEqual([0, 0, 0, 0]);
  const chunks: Buffer[] = [];
  answer.socket.on("data", (chunk: Buffer) => chunks.push(chunk)).resume();
  await once(answer.socket, "end");
  expect(Buffer.concat(chunks).toString()).toBe("two");
});

describe("a browser that leaves ends", () => {
  test("a handshake that is being answered, with its connection", async () => {
    const { port, sockets } = await startTenant(() => {});
    const caller = patient();
    const answer = codeOf(way(port).connect(handshake, caller));
    await expect.poll(() => sockets.length).toBe(1);
    const gone = once(sockets[0]?.resume() as net.Socket, "close");
    await expect.poll(() => caller.onGone).not.toBeNull();
    caller.onGone?.();
    expect(await answer).toBe("QSP-UPSTREAM: client gone");
    await gone;
    expect(caller.onGone).toBeNull();
  });

  test("a handshake before it has begun; the tenant hears of none", async () => {
    const { port, sockets } = await startTenant(() => {});
    const caller = { ...patient(), isGone: true };
    expect(await codeOf(way(port).connect(handshake, caller))).toBe("QSP-UPSTREAM: client gone");
    expect(sockets).toHaveLength(0);
  });
});

describe("no handshake is waited for", () => {
  test.each([
    ["when it is not answered in time", () => {}, "QSP-TIMEOUT: HTTP1_HEADERS_TIMEOUT"],
    ["when its connection ends", (socket: net.Socket) => socket.end(), "QSP-UPSTREAM: HTTP1_CLOSED"],
    [
      "when its answer is none",
      (socket: net.Socket) => socket.write("nonsense\r\n\r\n"),
      "QSP-UPSTREAM: HTTP1_HEAD",
    ],
  ])("%s", async (_name, visit, expected) => {
    const { port } = await startTenant((socket) => void socket.once("data", () => visit(socket)));
    const timeouts = { connect: 2000, headers: 200, bodyIdle: 200 };
    expect(await codeOf(way(port, { timeouts }).connect(handshake, patient()))).toBe(expected);
  });

  test("when nobody listens", async () => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as net.AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect(await codeOf(way(port).connect(handshake, patient()))).toBe("QSP-UPSTREAM: ECONNREFUSED");
  });

  test.each([
    ["a path that is none", { ...handshake, path: "/a b" }],
    ["a value with a line break", { ...handshake, headers: ["x", "y\r\nz: 1"] }],
    ["a name that is none", { ...handshake, headers: ["x y", "z"] }],
  ])("when it has %s, which is never sent", async (_name, odd) => {
    const { port, sockets } = await startTenant(() => {});
    expect(await codeOf(way(port).connect(odd, patient()))).toBe("QSP-UPSTREAM: HTTP1_REQUEST");
    expect(sockets).toHaveLength(0);
  });
});

test("over TLS, the next handshake takes up the session of the one before", async () => {
  const { cert, private: key } = await generate([{ name: "commonName", value: "tenant.localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "tenant.localhost" }] }],
  });
  const resumed: boolean[] = [];
  const { port } = await startTenant(
    (socket) => {
      resumed.push((socket as tls.TLSSocket).isSessionReused());
      socket.once("data", () => socket.write(switched));
    },
    { cert, key },
  );
  const upstream = started.keep(wayTo("own", `https://tenant.localhost:${port}`, { ca: cert }));
  for (let turn = 0; turn < 2; turn += 1) {
    const answer = await upstream.connect(handshake, patient());
    if (!("socket" in answer)) throw new Error("refused");
    answer.socket.resume().end();
    await once(answer.socket, "close");
  }
  expect(resumed).toEqual([false, true]);
});

test("a refusal whose words do not end is one all the same, without them", async () => {
  const { port } = await startTenant((socket) => {
    socket.on("data", () => socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nwords"));
  });
  const short = { timeouts: { connect: 2000, headers: 200, bodyIdle: 2000 } };
  const answer = await way(port, short).connect(handshake, patient());
  expect(answer).toMatchObject({ status: 403, body: Buffer.alloc(0) });
});

test.each([
  ["host", "elsewhere.example"],
  ["content-length", "5"],
  ["transfer-encoding", "chunked"],
  ["x-odd", "a\r\nx-more: b"],
  ["x-odd"],
])("nothing is sent with %s among its headers", async (...odd) => {
  const { port, sockets } = await startTenant(() => {});
  const answer = way(port).connect({ ...handshake, headers: [...handshake.headers, ...odd] }, patient());
  expect(await codeOf(answer)).toContain("HTTP1_REQUEST");
  expect(sockets).toHaveLength(0);
});
