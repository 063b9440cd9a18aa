import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import type { Patience } from "../../src/server/patience.ts";
import { eventually } from "../support/assertions.ts";
import { startOwnListener } from "../support/own-listener.ts";
import { connectTo, requestHead, type RawConnection } from "../support/raw-connection.ts";
import { answerOk, type RawHandler } from "../support/raw-upstream.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";

/* Every state in which a client may be slow or silent, and what our listener has for it: docs/reference/limits.md. */

const started = cleanedUp();
const path = "/qlik/api/v1/echo/a";
/** Milliseconds; a limit that a test waits for. */
const soon = 300;

/** A proxy behind a listener of ours. */
interface Served extends RawStack {
  /** Where the listener listens. */
  readonly at: string;
  /** Connections that it has not closed. */
  readonly open: ReadonlySet<Socket>;
}

async function serve(patience: Partial<Patience>, handler: RawHandler = answerOk): Promise<Served> {
  const both = await started.raw(handler);
  const { at, open, server } = await startListener(patience);
  server.on("request", (request, response) => both.stack.proxy(request, response));
  started.keep({ close: both.stack.proxy.attach(server) });
  return { ...both, at, open };
}

async function startListener(patience: Partial<Patience>) {
  const { port, ...listener } = await startOwnListener(started, undefined, patience);
  return { ...listener, at: `http://127.0.0.1:${port}` };
}

/** A request by nobody: 401, out of our own hands. */
const byNobody = (head: string): string => head.replace("x-test-user: ann\r\n", "");

/** The same by a browser that shows what it gets: a page of a few kilobytes. */
const byNobodyForAPage = (head: string): string =>
  head.replace("x-test-user: ann", "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document");

/** An answer that fits into every buffer on its way. */
const answerAtLength: RawHandler = (_request, socket) =>
  void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 8000\r\n\r\n${"a".repeat(8000)}`);

/** Heads of one length, so that many of them end where a read ends: none is there by half. */
function heads(head: string, count: number): string {
  const size = 512;
  const pad = `X-Pad: ${"a".repeat(size - head.length - "X-Pad: \r\n".length)}\r\n`;
  return `${head.slice(0, -2)}${pad}\r\n`.repeat(count);
}

/** Sends as fast as it is taken, and reads nothing, until the connection is over. */
async function floodWithoutReading(connection: RawConnection, bytes: string): Promise<void> {
  const { socket } = connection;
  socket.pause();
  while (!socket.destroyed) {
    if (socket.write(bytes)) continue;
    await Promise.race([connection.closed, new Promise((resolve) => socket.once("drain", resolve))]);
  }
}

describe("a client that does not ask", () => {
  test("but connects, and says nothing or an empty line, is told so and cut off", async () => {
    const { at } = await serve({ head: soon });
    const [silent, empty] = await Promise.all([connectTo(at), connectTo(at)]);
    empty.write("\r\n");
    for (const connection of [silent, empty]) {
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1\.1 408 /);
    }
  });

  test("again, and keeps its connection, is closed; so is one that sends an empty line", async () => {
    const { at, stack } = await serve({ keepAlive: soon });
    for (const next of ["", "\r\n"]) {
      const connection = await connectTo(at);
      connection.write(requestHead(stack.origin, "GET /qlik/_session HTTP/1.1"));
      await connection.until((text) => text.endsWith("}"));
      if (next !== "") connection.write(next);
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1\.1 200 [^]*}$/);
    }
  });

  test("for a second time but by half has the time for a head, not that of an idle connection", async () => {
    const { at, stack } = await serve({ head: soon });
    const connection = await connectTo(at);
    connection.write(requestHead(stack.origin, "GET /qlik/_session HTTP/1.1"));
    await connection.until((text) => text.endsWith("}"));
    connection.write("GET /qlik");
    await connection.closed;
    expect(connection.received).toMatch(/^HTTP\/1\.1 200 [^]*HTTP\/1\.1 408 /);
  });
});

describe("a client that is answered", () => {
  test.each([
    ["with a length", "Content-Length: 1000000", "x"],
    ["in chunks", "Transfer-Encoding: chunked", "1\r\nx\r\n"],
  ])("and drips the rest of its body %s is closed", async (_how, framing, drop) => {
    const { at, stack } = await serve({ restOfBody: soon });
    const connection = await connectTo(at);
    connection.write(byNobody(requestHead(stack.origin, `POST ${path} HTTP/1.1`, [framing])));
    const drip = setInterval(() => connection.write(drop), 20);
    await connection.closed;
    clearInterval(drip);
    expect(connection.received).toMatch(/^HTTP\/1\.1 401 /);
  });

  test("and ends each of many bodies in time leaves nothing behind on its connection", async () => {
    const { at, stack, open } = await serve({});
    const connection = await connectTo(at);
    const head = byNobody(requestHead(stack.origin, `POST ${path} HTTP/1.1`, ["Content-Length: 2"]));
    const [socket] = open;
    let before = 0;
    for (let round = 1; round <= 12; round += 1) {
      connection.write(`${head}1`);
      await connection.until((text) => text.split(" 401 ").length > round);
      connection.write("2");
      if (round === 2) before = socket?.listenerCount("close") ?? 0;
    }
    await eventually(() => expect(socket?.listenerCount("close")).toBeLessThanOrEqual(before));
    connection.socket.destroy();
  });

  test("and ends its body in time keeps its connection", async () => {
    const { at, stack } = await serve({ restOfBody: soon });
    const connection = await connectTo(at);
    const head = byNobody(requestHead(stack.origin, `POST ${path} HTTP/1.1`, ["Content-Length: 4"]));
    connection.write(`${head}12`);
    await connection.until((text) => text.includes(" 401 "));
    connection.write("34");
    // Longer than the rest of the body may take.
    await new Promise((resolve) => setTimeout(resolve, 2 * soon));
    connection.write(requestHead(stack.origin, "GET /qlik/_session HTTP/1.1"));
    expect(await connection.until((text) => text.endsWith('"sockets":0}'))).toContain(" 200 ");
    connection.socket.destroy();
  });

  test.each([
    ["by us", byNobodyForAPage],
    ["by the tenant", (head: string): string => head],
  ])("%s, asks for more and more, and reads nothing, is cut off", async (_who, by) => {
    const { at, stack, open } = await serve({ unread: soon }, answerAtLength);
    await stack.get("/api/v1/echo/a");
    const connection = await connectTo(at);
    await floodWithoutReading(connection, heads(by(requestHead(stack.origin, `GET ${path} HTTP/1.1`)), 128));
    await eventually(() => {
      expect(open.size).toBe(0);
      expect(stack.proxy.stats().inFlight).toBe(0);
    });
  });
});

describe("a client that does not wait for answers", () => {
  test("has a hundred requests under way and no more, and gets every answer in the end", async () => {
    const waiting: (() => void)[] = [];
    let holds = true;
    const { at, stack } = await serve({}, (request, socket) => {
      if (holds) waiting.push(() => answerOk(request, socket));
      else answerOk(request, socket);
    });
    const count = 1000;
    const connection = await connectTo(at);
    connection.write(heads(requestHead(stack.origin, `GET ${path} HTTP/1.1`), count));
    const inFlight = (): number => stack.proxy.stats().inFlight;
    await eventually(async () => {
      const before = inFlight();
      expect(before).toBeGreaterThanOrEqual(100);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(inFlight()).toBe(before);
    });
    // What came in the read that reached the limit is in node's hands already: 64 KiB.
    expect(inFlight()).toBeLessThanOrEqual(100 + 2 * 128);
    holds = false;
    for (const answer of waiting) answer();
    const text = await connection.until((all) => all.split("HTTP/1.1 200 ").length > count);
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(count);
    connection.socket.destroy();
  });
});

describe("a client that half-closes", () => {
  test("without a request is closed, behind a request has left: the tenant is not asked on", async () => {
    const { at, stack, upstream } = await serve({}, () => {});
    await stack.get("/_session");
    const silent = await connectTo(at);
    silent.socket.end();
    await silent.closed;
    const asking = await connectTo(at);
    asking.write(requestHead(stack.origin, `GET ${path} HTTP/1.1`));
    await eventually(() => expect(upstream.seen.at(-1)?.path).toBe("/api/v1/echo/a"));
    asking.socket.end();
    await asking.closed;
    expect(asking.received).toBe("");
    await eventually(() => expect(stack.proxy.stats().inFlight).toBe(0));
  });
});

describe("more clients than there may be", () => {
  test("are closed at once, which is told once, and there is a place again for each that leaves", async () => {
    const told: unknown[] = [];
    const hear = (message: unknown): void => void told.push((message as { readonly event: string }).event);
    subscribe("qsp:policy", hear);
    started.keep({ close: () => void unsubscribe("qsp:policy", hear) });
    const { at, stack, open } = await serve({ connections: 2 });
    const ask = async (connection: RawConnection): Promise<string> => {
      connection.write(requestHead(stack.origin, "GET /qlik/_session HTTP/1.1"));
      return connection.until((text) => text.endsWith("}"));
    };
    const [one, two] = [await connectTo(at), await connectTo(at)];
    for (const each of [one, two]) expect(await ask(each)).toContain(" 200 ");
    for (let more = 0; more < 2; more += 1) expect(await ask(await connectTo(at))).toBe("");
    expect(told).toEqual(["connection.refused"]);
    one.socket.destroy();
    await eventually(() => expect(open.size).toBe(1));
    const next = await connectTo(at);
    expect(await ask(next)).toContain(" 200 ");
    for (const each of [two, next]) each.socket.destroy();
  });
});
