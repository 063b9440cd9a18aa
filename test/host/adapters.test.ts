import { describe, expect, test } from "vitest";
import { bytesOf } from "../../src/emulator.ts";
import { adapterMounts } from "../support/adapter-mounts.ts";
import { eventually } from "../support/assertions.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import type { RawHandler } from "../support/raw-upstream.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";

const started = cleanedUp();
const mount = (name: string): { readonly mount: NonNullable<(typeof adapterMounts)[string]> } => ({
  mount: adapterMounts[name] as NonNullable<(typeof adapterMounts)[string]>,
});
const path = "/api/v1/echo/a";
const ok = "HTTP/1.1 200 OK\r\n";

/** A proxy behind an adapter, with a session and its token, in front of a tenant on a raw socket. */
async function signedIn(name: string, handler?: RawHandler): Promise<RawStack> {
  const both = await started.raw(undefined, mount(name));
  await both.stack.get(path, { method: "POST" });
  for (const socket of both.upstream.sockets) socket.destroy();
  await eventually(() => expect(both.upstream.sockets.size).toBe(0));
  if (handler) both.upstream.handle(handler);
  return both;
}

const nothingLeft = ({ stack, upstream }: RawStack): Promise<void> =>
  eventually(() => {
    expect(stack.proxy.stats()).toMatchObject({ inFlight: 0, sockets: 0 });
    expect(upstream.sockets.size).toBe(0);
  });

describe.each(["fastify", "fetch"])("through the adapter %s", (name) => {
  test("the head of an event stream comes before its first event, and each event when it is made", async () => {
    let write: (text: string) => void = () => {};
    const both = await signedIn(name, (_request, socket) => {
      socket.write(`${ok}Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n`);
      write = (text) => void socket.write(`${text.length.toString(16)}\r\n${text}\r\n`);
    });
    const connection = await connectTo(both.stack.origin);
    connection.write(requestHead(both.stack.origin, `GET /qlik${path} HTTP/1.1`));
    expect(await connection.until((text) => text.includes("\r\n\r\n"))).toMatch(/text\/event-stream/);
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      write(event);
      expect(await connection.until((text) => text.includes(event))).toContain(event);
    }
    connection.socket.destroy();
    await nothingLeft(both);
  });

  test.each([
    ["while the tenant thinks", `GET /qlik${path} HTTP/1.1`, [], ""],
    [
      "in the middle of a download",
      `GET /qlik${path} HTTP/1.1`,
      [],
      `${ok}Content-Length: 100000\r\n\r\nhello`,
    ],
    ["in the middle of an upload", `POST /qlik${path} HTTP/1.1`, ["Content-Length: 1000000"], ""],
  ])("a browser that leaves %s takes its request back", async (_when, line, headers, answer) => {
    const both = await signedIn(name, (_request, socket) => void (answer !== "" && socket.write(answer)));
    const connection = await connectTo(both.stack.origin);
    connection.write(requestHead(both.stack.origin, line, headers));
    if (headers.length > 0) connection.write(Buffer.alloc(100_000));
    await eventually(() => expect(both.upstream.sockets.size).toBe(1));
    await connection.until((text) => answer === "" || text.endsWith("hello"));
    connection.socket.destroy();
    await nothingLeft(both);
  });

  test("an answer that the tenant breaks off is not taken for a whole one", async () => {
    const both = await signedIn(name, (_request, socket) => {
      socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`);
      setTimeout(() => socket.destroy(), 30);
    });
    const answer = await both.stack.get(path);
    expect([answer.status, answer.text, answer.complete]).toEqual([200, "hello", false]);
    await nothingLeft(both);
  });

  test("nor is one that breaks off at once, and the browser does not wait for the rest of it", async () => {
    const both = await signedIn(name, (_request, socket) => {
      socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`, () => socket.destroy());
    });
    const answer = await both.stack.get(path).catch(() => null);
    expect(answer?.status === 200 && answer.complete).toBe(false);
    await nothingLeft(both);
  });

  test("a tenant that reads slowly slows the browser down", async () => {
    const both = await signedIn(name);
    both.upstream.onConnection((socket) => socket.pause());
    let taken = 0;
    const piece = Buffer.alloc(64 * 1024);
    async function* flood(): AsyncGenerator<Buffer> {
      while (taken < 64 * 1024 * 1024) {
        taken += piece.length;
        yield piece;
      }
    }
    const upload = both.stack.get(path, { method: "POST", body: flood() }).catch(() => null);
    await eventually(async () => {
      const before = taken;
      expect(before).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(taken).toBe(before);
    });
    expect(taken).toBeLessThan(32 * 1024 * 1024);
    both.upstream.onConnection(() => {});
    for (const socket of both.upstream.sockets) socket.destroy();
    await upload;
  });

  test("a browser that does not read slows the tenant down: 50 MB take no memory", async () => {
    let given = 0;
    const size = 50 * 1024 * 1024;
    const both = await signedIn(name, (_request, socket) => {
      socket.write(`${ok}Content-Length: ${size}\r\n\r\n`);
      const piece = Buffer.alloc(64 * 1024, "x");
      const more = (): void => {
        while (given < size) {
          given += piece.length;
          if (!socket.write(piece)) return void socket.once("drain", more);
        }
      };
      more();
    });
    const connection = await connectTo(both.stack.origin);
    connection.socket.removeAllListeners("data");
    connection.write(requestHead(both.stack.origin, `GET /qlik${path} HTTP/1.1`));
    connection.socket.pause();
    await eventually(async () => {
      const before = given;
      expect(before).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(given).toBe(before);
    });
    // What the kernel and the streams on the way hold.
    expect(given).toBeLessThan(size / 2);
    let received = 0;
    connection.socket.on("data", (chunk: Buffer) => (received += chunk.length));
    connection.socket.resume();
    await eventually(() => expect(received).toBeGreaterThan(size));
    connection.socket.destroy();
    await nothingLeft(both);
  });

  test("answers without a body have none, and downloads come byte for byte", async () => {
    const stack = await started.stack({
      ...mount(name),
      proxy: { policy: { presets: ["embed", "embed-write"] } },
    });
    const head = await stack.get("/api/v1/items?limit=2", { method: "HEAD" });
    expect([head.status, head.body.length, head.complete]).toEqual([200, 0, true]);
    const first = await stack.get("/api/v1/items?limit=2");
    const tag = first.header("etag") ?? "";
    expect(tag).not.toBe("");
    const again = await stack.get("/api/v1/items?limit=2", { headers: { "if-none-match": tag } });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256));
    const { id } = stack.tenant.addTempContent({ name: "a.csv", bytes: bytesOf(bytes) });
    const whole = await stack.get(`/api/v1/temp-contents/${id}`);
    expect([whole.status, whole.body.equals(bytes)]).toEqual([200, true]);
    const ended = await stack.get("/_session", { method: "DELETE", headers: { origin: stack.origin } });
    expect([ended.status, ended.body.length]).toEqual([204, 0]);
  });
});
