import { createHash, randomBytes } from "node:crypto";
import * as zlib from "node:zlib";
import { describe, expect, test } from "vitest";
import { generatedBytes } from "../../src/emulator/temp-contents.ts";
import { eventually } from "../support/assertions.ts";
import { connectTo, requestHead } from "../support/raw-connection.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";

const started = cleanedUp();
const start = (): Promise<Stack> =>
  started.stack({
    proxy: {
      policy: { presets: ["embed", "embed-write"], allow: ["POST /api/v1/assistants/**"] },
      limits: { replayBody: 1024 },
    },
  });
const sha = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Below the prefix: where a `Location` of an answer leads. */
const follow = (location: string | undefined): string => {
  const { pathname, search } = new URL(location ?? "", "http://portal.localhost");
  expect(pathname).toMatch(/^\/qlik\//);
  return pathname.slice("/qlik".length) + search;
};

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("uploads", () => {
  test.each(["with a length", "in chunks"])("two megabytes %s arrive as they are", async (way) => {
    const stack = await start();
    const bytes = randomBytes(2 * 1024 * 1024 + 7);
    const answer = await stack.get("/api/v1/temp-contents?filename=data.bin", {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: way === "in chunks" ? pieces(bytes, 10_007) : bytes,
    });
    expect(answer.status).toBe(201);
    expect(answer.header("location")).toMatch(`${stack.origin}/qlik/api/v1/temp-contents/`);
    const back = await stack.get(follow(answer.header("location")));
    expect([back.status, back.complete, sha(back.body)]).toEqual([200, true, sha(bytes)]);
  });

  test("two megabytes of multipart arrive byte for byte, boundary and all", async () => {
    const stack = await start();
    const file = randomBytes(2 * 1024 * 1024);
    const boundary = "----our'boundary(of)the+test,1.0";
    const body = Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="Json"\r\n\r\n{"name":"fi\u00fcr \u2713.bin"}\r\n` +
          `--${boundary}\r\nContent-Disposition: form-data; name="File"; filename="a.bin"\r\n` +
          "Content-Type: application/octet-stream\r\n\r\n",
      ),
      file,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    const answer = await stack.get("/api/v1/data-files", {
      method: "POST",
      headers: { "content-type": `multipart/form-data; boundary="${boundary}"` },
      body,
    });
    expect([answer.status, answer.json()]).toMatchObject([
      201,
      { name: "fi\u00fcr \u2713.bin", size: file.length },
    ]);
    const [seen] = stack.tenant.recordings({ method: "POST", path: "/api/v1/data-files" });
    expect(seen?.bodyBytes).toBe(body.length);
    expect(seen?.bodyStart.equals(body.subarray(0, 4096))).toBe(true);
  });

  test("a resumable upload in pieces is complete at the end", async () => {
    const stack = await start();
    const bytes = randomBytes(300_000);
    const tus = { "tus-resumable": "1.0.0" };
    const created = await stack.get("/api/v1/temp-contents/files", {
      method: "POST",
      headers: {
        ...tus,
        "upload-length": String(bytes.length),
        "upload-metadata": `filename ${Buffer.from("a b.csv").toString("base64")}`,
      },
    });
    expect([created.status, created.header("tus-resumable")]).toEqual([201, "1.0.0"]);
    const path = follow(created.header("location"));
    let last = created;
    for (let at = 0; at < bytes.length; at += 100_000) {
      const head = await stack.get(path, { method: "HEAD", headers: tus });
      expect([head.status, head.header("upload-offset")]).toEqual([200, String(at)]);
      last = await stack.get(path, {
        method: "PATCH",
        headers: { ...tus, "upload-offset": String(at), "content-type": "application/offset+octet-stream" },
        body: bytes.subarray(at, at + 100_000),
      });
      expect([last.status, last.header("upload-offset")]).toEqual([204, String(at + 100_000)]);
    }
    const content = await stack.get(follow(last.header("content-location")));
    expect([content.header("content-type"), sha(content.body)]).toEqual(["text/csv", sha(bytes)]);
    const options = await stack.get("/api/v1/temp-contents/files", { method: "OPTIONS", headers: tus });
    expect([options.status, options.header("tus-extension")]).toEqual([204, "creation"]);
  });

  test("a body too long to be kept is not sent again when the session was lost under it", async () => {
    const stack = await start();
    await stack.get("/api/v1/users/me");
    const upload = (length: number) =>
      stack.get("/api/v1/temp-contents", { method: "POST", body: randomBytes(length) });
    stack.tenant.sessions.expire();
    expect((await upload(2 * 1024 * 1024)).status).toBe(401);
    // The session was renewed beside it, so that the client's own retry gets through.
    expect((await upload(2 * 1024 * 1024)).status).toBe(201);
    stack.tenant.sessions.expire();
    expect((await upload(1000)).status).toBe(201);
  });

  test("more than limits.requestBody is refused, announced or not", async () => {
    const { stack, upstream } = await started.raw(undefined, { proxy: { limits: { requestBody: 1000 } } });
    const body = Buffer.alloc(1001);
    const send = (chunked: boolean, part = body) =>
      stack.get("/api/v1/reports", { method: "POST", body: part, chunked });
    for (const chunked of [false, true]) {
      const answer = await send(chunked);
      expect([answer.status, answer.text]).toEqual([413, expect.stringContaining("QSP-TOO-LARGE")]);
      expect((await send(chunked, body.subarray(1))).status).toBe(200);
    }
    const whole = upstream.seen.filter(({ path }) => path === "/api/v1/reports");
    expect(whole.map((request) => request.body.length > 1001)).toEqual([false, true]);
  });
});

describe("downloads", () => {
  test("three megabytes come whole, with their name and length", async () => {
    const stack = await start();
    const size = 3 * 1024 * 1024 + 1;
    const content = stack.tenant.addTempContent({
      name: 'r\u00e9sum\u00e9 "1".xlsx',
      bytes: generatedBytes(size),
    });
    const answer = await stack.get(`/api/v1/temp-contents/${content.id}`);
    expect([answer.status, answer.complete, answer.body.length]).toEqual([200, true, size]);
    expect(answer.body.every((byte, index) => byte === index % 251)).toBe(true);
    expect(answer.header("content-length")).toBe(String(size));
    expect(answer.header("content-disposition")).toMatch(/^attachment; .*r%C3%A9sum%C3%A9/);
    expect(answer.header("accept-ranges")).toBe("bytes");
  });

  test("parts come as parts", async () => {
    const stack = await start();
    const content = stack.tenant.addTempContent({ name: "a.json", bytes: generatedBytes(1000) });
    const path = `/api/v1/temp-contents/${content.id}`;
    const whole = await stack.get(path);
    const etag = whole.header("etag") ?? "";
    const part = (range: string, ifRange?: string) =>
      stack.get(path, { headers: { range, ...(ifRange === undefined ? {} : { "if-range": ifRange }) } });
    const some = await part("bytes=10-19");
    expect([some.status, some.header("content-range"), some.header("content-length")]).toEqual([
      206,
      "bytes 10-19/1000",
      "10",
    ]);
    expect([...some.body]).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect((await part("bytes=-1")).header("content-range")).toBe("bytes 999-999/1000");
    const beyond = await part("bytes=1000-");
    expect([beyond.status, beyond.header("content-range")]).toEqual([416, "bytes */1000"]);
    // An attachment's tag is the tenant's own, so that a part can be asked for by it.
    expect(etag).not.toContain("qsp");
    expect((await part("bytes=0-0", etag)).status).toBe(206);
    expect((await part("bytes=0-0", '"other"')).status).toBe(200);
  });
});

describe("bodies that take their time", () => {
  test("the head of an event stream arrives before its first event, and each event before the next is made", async () => {
    let write: (text: string) => void = () => {};
    const { stack } = await started.raw((_request, socket) => {
      socket.write(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
      );
      write = (text) => void socket.write(`${text.length.toString(16)}\r\n${text}\r\n`);
    });
    const connection = await connectTo(stack.origin);
    connection.write(requestHead(stack.origin, "GET /qlik/api/v1/echo/events HTTP/1.1"));
    expect(await connection.until((text) => text.includes("\r\n\r\n"))).toMatch(/text\/event-stream/);
    for (const event of ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]) {
      write(event);
      expect(await connection.until((text) => text.includes(event))).toContain(event);
    }
    write("");
    await connection.until((text) => text.endsWith("0\r\n\r\n"));
    connection.socket.destroy();
  });

  test("an assistant's answer streams through", async () => {
    const stack = await start();
    stack.tenant.modes.eventInterval = 1;
    const answer = await stack.get("/api/v1/assistants/a/threads/b/actions/stream", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ input: { prompt: "Who?" } }),
    });
    expect([answer.status, answer.header("content-type")]).toEqual([200, "text/event-stream"]);
    expect(answer.text).toMatch(/^id: 1\ndata: \{"output":"ann,"\}\n\nid: 2\n/);
  });

  test("a tenant that reads slowly slows the browser down", async () => {
    const { stack, upstream } = await started.raw();
    // The session and its token are there before the tenant stops reading.
    await stack.get("/api/v1/echo/a", { method: "POST" });
    for (const socket of upstream.sockets) socket.destroy();
    await eventually(() => expect(upstream.sockets.size).toBe(0));
    upstream.onConnection((socket) => socket.pause());
    let taken = 0;
    const piece = Buffer.alloc(64 * 1024);
    async function* flood(): AsyncGenerator<Buffer> {
      while (taken < 64 * 1024 * 1024) {
        taken += piece.length;
        yield piece;
      }
    }
    const upload = stack.get("/api/v1/echo/a", { method: "POST", body: flood() }).catch(() => null);
    // Nothing moves any more once all buffers on the way are full.
    await eventually(async () => {
      const before = taken;
      expect(before).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(taken).toBe(before);
    });
    expect(taken).toBeLessThan(32 * 1024 * 1024);
    upstream.onConnection(() => {});
    for (const socket of upstream.sockets) socket.destroy();
    expect((await upload)?.status).toBe(502);
  });
});

describe("compressed bodies", () => {
  test.each([
    ["gzip", zlib.gzipSync, zlib.gunzipSync],
    ["br", zlib.brotliCompressSync, zlib.brotliDecompressSync],
  ] as const)(
    "%s with a link in it comes in the same coding, with the link rewritten",
    async (coding, pack, open) => {
      let address = "";
      const { stack, upstream } = await started.raw((_request, socket) => {
        const body = pack(
          Buffer.from(JSON.stringify({ links: { next: { href: `${address}/api/v1/items?page=2` } } })),
        );
        socket.write(
          `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: ${coding}\r\nContent-Length: ${body.length}\r\n\r\n`,
        );
        socket.write(body);
      });
      address = upstream.address;
      const answer = await stack.get("/api/v1/items", {
        headers: { "accept-encoding": "zstd, gzip, deflate, br" },
      });
      expect([answer.status, answer.header("content-encoding"), answer.complete]).toEqual([
        200,
        coding,
        true,
      ]);
      expect(JSON.parse(open(answer.body).toString())).toEqual({
        links: { next: { href: `${stack.origin}/qlik/api/v1/items?page=2` } },
      });
      expect(upstream.seen.at(-1)?.header("accept-encoding")).toBe("gzip, br");
    },
  );

  test("what is compressed and no JSON passes in its own bytes", async () => {
    const packed = zlib.gzipSync(Buffer.from("const a = 1;".repeat(100)), { level: 9 });
    const { stack, upstream } = await started.raw((_request, socket) => {
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`,
      );
      socket.write(packed);
    });
    const headers = { "accept-encoding": "gzip, zstd;q=0.5" };
    const answer = await stack.get("/resources/main.js", { headers, user: null });
    expect(answer.body.equals(packed)).toBe(true);
    expect(answer.header("content-length")).toBe(String(packed.length));
    expect(upstream.seen.at(-1)?.header("accept-encoding")).toBe("gzip, zstd;q=0.5");
  });

  test("a client that takes no coding gets none", async () => {
    const stack = await start();
    const plain = await stack.get("/api/v1/boot/core-init");
    const packed = await stack.get("/api/v1/boot/core-init", { headers: { "accept-encoding": "gzip" } });
    expect([plain.header("content-encoding"), packed.header("content-encoding")]).toEqual([
      undefined,
      "gzip",
    ]);
    expect(zlib.gunzipSync(packed.body).toString()).toBe(plain.text);
  });
});
