/* The faults of the vendor's reference example (facts §12) that concern HTTP; the list of rows left out stands in reference-example-login. */
import * as http from "node:http";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { generatedBytes } from "../../src/emulator.ts";
import type { RawAnswer } from "../support/raw-client.ts";
import { startRawUpstream, type RawHandler, type RawUpstream } from "../support/raw-upstream.ts";
import { startStack, type Stack, type StackOptions } from "../support/stack.ts";

const open: { close(): Promise<void> }[] = [];
async function start(options?: StackOptions): Promise<Stack> {
  const stack = await startStack(options);
  open.push(stack);
  return stack;
}
async function startRaw(handler?: RawHandler): Promise<RawUpstream> {
  const upstream = await startRawUpstream(handler);
  open.unshift(upstream);
  return upstream;
}
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const items = "/api/v1/items";
const everything = {
  policy: { presets: ["embed", "embed-write"], allow: ["GET,HEAD,POST,PUT,PATCH,DELETE /api/v1/**"] },
};
const codeOf = (answer: RawAnswer) => (answer.json() as { errors: { code: string }[] }).errors[0]?.code;

const mebibyte = 1024 * 1024;

/** Resolves when a number has not grown for a while. */
async function untilStill(read: () => number): Promise<void> {
  for (let before = -1; before !== read();) {
    before = read();
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** A request whose answer is watched while it comes. */
function watch(stack: Stack, path: string): Promise<{ response: http.IncomingMessage; chunks: Buffer[] }> {
  const { port, host } = new URL(stack.origin);
  return new Promise((resolve, reject) => {
    const headers = {
      host,
      "x-test-user": "ann",
      "sec-fetch-site": "same-origin",
      "accept-encoding": "gzip, br",
    };
    const request = http.get(
      { host: "127.0.0.1", port, path: `/qlik${path}`, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", () => {});
        resolve({ response, chunks });
      },
    );
    request.on("error", reject);
  });
}

test("events of a stream arrive one by one, not when a compressor has enough of them (facts §12)", async () => {
  let stream: Socket | undefined;
  const upstream = await startRaw((_request, socket) => {
    stream = socket;
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  });
  const stack = await start({ tenantOrigin: upstream.origin, proxy: everything });
  const { response, chunks } = await watch(stack, "/api/v1/things");
  expect(response.headers["content-encoding"]).toBeUndefined();
  for (const event of ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]) {
    const before = Buffer.concat(chunks).toString();
    stream?.write(`${event.length.toString(16)}\r\n${event}\r\n`);
    await expect.poll(() => Buffer.concat(chunks).toString()).toBe(before + event);
  }
  response.destroy();
});

test("nothing is compressed by us, and what the tenant compressed passes as it is (facts §12)", async () => {
  const zipped = gzipSync("a".repeat(5000));
  const upstream = await startRaw((request, socket) => {
    const [body, coding] = request.path.endsWith("/zipped")
      ? [zipped, "Content-Encoding: gzip\r\n"]
      : [Buffer.from("a".repeat(5000)), ""];
    socket.write(
      `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${coding}Content-Length: ${body.length}\r\n\r\n`,
    );
    socket.write(body);
  });
  const stack = await start({ tenantOrigin: upstream.origin, proxy: everything });
  const headers = { "accept-encoding": "gzip, br" };
  const plain = await stack.get("/api/v1/plain", { headers });
  expect([plain.header("content-encoding"), plain.body.length]).toEqual([undefined, 5000]);
  const compressed = await stack.get("/api/v1/zipped", { headers });
  expect([compressed.header("content-encoding"), compressed.body.equals(zipped)]).toEqual(["gzip", true]);
});

test("every method passes, and those with effects carry the session's CSRF token in the header (facts §12)", async () => {
  const upstream = await startRaw();
  const stack = await start({ tenantOrigin: upstream.origin, proxy: everything });
  for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]) {
    const hasBody = !["GET", "HEAD", "DELETE"].includes(method);
    const answer = await stack.get("/api/v1/things/1", {
      method,
      headers: { origin: stack.origin },
      ...(hasBody ? { body: `{"by":"${method}"}` } : {}),
    });
    expect([method, answer.status]).toEqual([method, 200]);
    const seen = upstream.seen.at(-1);
    expect([seen?.method, seen?.path, seen?.body]).toEqual([
      method,
      "/api/v1/things/1",
      hasBody ? `{"by":"${method}"}` : "",
    ]);
    expect(seen?.headers.filter(([name]) => name === "qlik-csrf-token")).toEqual(
      method === "GET" || method === "HEAD" ? [] : [["qlik-csrf-token", "raw-token"]],
    );
  }
});

test("the tenant takes the writes: reports, bookmarks and uploads work, with its own token check on (facts §12)", async () => {
  const stack = await start({ proxy: everything });
  const headers = { origin: stack.origin, "content-type": "application/json" };
  const body = JSON.stringify({ type: "sense-image-1.0" });
  expect((await stack.get("/api/v1/reports", { method: "POST", headers, body })).status).toBe(202);
  const bytes = Buffer.alloc(100_000, 7);
  const upload = await stack.get("/api/v1/temp-contents?filename=a.bin", {
    method: "POST",
    headers: { origin: stack.origin },
    body: bytes,
  });
  expect(upload.status).toBe(201);
  const location = upload.header("location") ?? "";
  expect(location.startsWith(`${stack.origin}/qlik/api/v1/temp-contents/`)).toBe(true);
  const back = await stack.get(location.slice(`${stack.origin}/qlik`.length));
  expect(back.body.equals(bytes)).toBe(true);
});

test("the query arrives byte for byte, and nothing is added to it (facts §12)", async () => {
  const upstream = await startRaw();
  const stack = await start({ tenantOrigin: upstream.origin, proxy: everything });
  const targets = [
    `${items}?limit=2&sort=-updatedAt&name=a%20b+c`,
    `${items}?filter=name%20co%20%22%C3%A4%22&&x=&=y`,
    `${items}?`,
    items,
    "/resources/a.js?v=1&w=%2F",
  ];
  for (const target of targets) {
    expect((await stack.get(target)).status).toBe(200);
    expect(upstream.seen.at(-1)?.path).toBe(target);
  }
});

test("the request's headers arrive: type, language, range, conditions and what else the client says (facts §12)", async () => {
  const upstream = await startRaw();
  const stack = await start({ tenantOrigin: upstream.origin, proxy: everything });
  const sent = {
    accept: "application/vnd.x+json",
    "accept-language": "sv;q=0.5",
    range: "bytes=3-9",
    "if-modified-since": "Wed, 21 Oct 2015 07:28:00 GMT",
    "user-agent": "test/1",
    "x-client-word": "kept",
    "content-type": "text/csv; charset=latin1",
  };
  await stack.get("/api/v1/things", { headers: sent });
  for (const [name, value] of Object.entries(sent)) expect(upstream.seen.at(-1)?.header(name)).toBe(value);
});

test("the answer's headers, type and bytes arrive as the tenant sent them (facts §12)", async () => {
  const kept = {
    "Content-Type": "text/css; charset=iso-8859-1",
    ETag: 'W/"abc"',
    "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT",
    "Content-Language": "sv",
    "Content-Disposition": 'attachment; filename="a b.css"',
    "Retry-After": "17",
    "Tus-Resumable": "1.0.0",
    "Upload-Offset": "70",
    "X-Odd": "kept, as it is",
  };
  const bytes = Buffer.from([0xff, 0xfe, 0, 0x0d, 0x0a, 0xe4]);
  const upstream = await startRaw((_request, socket) => {
    const lines = Object.entries(kept).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 203 Odd\r\n${lines.join("")}Content-Length: ${bytes.length}\r\n\r\n`);
    socket.write(bytes);
  });
  const stack = await start({ tenantOrigin: upstream.origin, proxy: everything });
  const answer = await stack.get("/api/v1/things");
  expect([answer.status, answer.body.equals(bytes), answer.header("content-length")]).toEqual([
    203,
    true,
    "6",
  ]);
  for (const [name, value] of Object.entries(kept)) expect(answer.header(name)).toBe(value);
});

test("an answer without a type gets none that a browser would run (facts §12)", async () => {
  const upstream = await startRaw((_request, socket) =>
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<b>"),
  );
  const stack = await start({ tenantOrigin: upstream.origin, proxy: everything });
  const answer = await stack.get("/api/v1/things");
  expect(answer.header("content-type")).toBeUndefined();
  expect(answer.header("x-content-type-options")).toBe("nosniff");
  expect(answer.header("content-security-policy")).toContain("sandbox");
});

test("a part of a download arrives as that part (facts §12)", async () => {
  const stack = await start({ proxy: everything });
  const size = 8 * mebibyte;
  const { id } = stack.tenant.addTempContent({ name: "a.bin", bytes: generatedBytes(size) });
  const part = await stack.get(`/api/v1/temp-contents/${id}`, { headers: { range: "bytes=1000-1999" } });
  expect([part.status, part.header("content-range"), part.body.length]).toEqual([
    206,
    `bytes 1000-1999/${size}`,
    1000,
  ]);
  expect(part.body[0]).toBe(1000 % 251);
});

test("no body is held whole in memory: a browser that does not read stops the tenant (facts §12)", async () => {
  const size = 256 * mebibyte;
  let sent = 0;
  const upstream = await startRaw((_request, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${size}\r\n\r\n`);
    const piece = Buffer.alloc(64 * 1024, "x");
    const fill = (): void => {
      while (sent < size) {
        sent += piece.length;
        if (!socket.write(piece)) return;
      }
    };
    socket.on("drain", fill);
    fill();
  });
  const stack = await start({ tenantOrigin: upstream.origin, proxy: everything });
  const { response } = await watch(stack, "/api/v1/things");
  response.pause();
  await untilStill(() => sent);
  expect(sent).toBeLessThan(64 * mebibyte);
  response.removeAllListeners("data");
  let received = 0;
  response.on("data", (chunk: Buffer) => (received += chunk.length));
  response.resume();
  await new Promise((resolve) => response.on("end", resolve));
  expect(sent).toBe(size);
  expect(received).toBeGreaterThan(size - 16 * mebibyte);
});

test("nobody signed in is 401 in JSON for a fetch and a page for a navigation, never 200 (facts §12)", async () => {
  const stack = await start({ proxy: everything });
  for (const path of [items, "/api/v1/users/me", "/api/v1/reports/1/status"]) {
    const answer = await stack.get(path, { user: null });
    expect([path, answer.status, codeOf(answer)]).toEqual([path, 401, "QSP-UNAUTHENTICATED"]);
  }
  const page = await stack.get(items, {
    user: null,
    headers: { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
  });
  expect([page.status, page.header("content-type")]).toEqual([401, "text/html; charset=utf-8"]);
  expect(stack.tenant.recordings()).toHaveLength(0);
});

test("static files come from our own origin with their query, not by a redirect to the tenant (facts §12)", async () => {
  const stack = await start();
  for (const path of ["/resources/hub/a.js?v=1", "/assets/b.css?v=2", "/qlik-embed/c.js?v=3"]) {
    stack.tenant.enqueue({
      path: path.split("?")[0] ?? "",
      status: 200,
      headers: [["content-type", "text/javascript"]],
      body: "c()",
    });
    const answer = await stack.get(path, { user: null });
    expect([answer.status, answer.text, answer.header("location")]).toEqual([200, "c()", undefined]);
    expect(stack.tenant.recordings().at(-1)?.url).toBe(path);
  }
});

test("a redirect of the tenant to itself stays on our origin (facts §12)", async () => {
  const stack = await start();
  stack.tenant.enqueue({
    path: "/resources/old.js",
    status: 302,
    headers: [["location", `${stack.tenant.origin}/resources/new.js?x=1`]],
  });
  const answer = await stack.get("/resources/old.js");
  expect([answer.status, answer.header("location")]).toEqual([
    302,
    `${stack.origin}/qlik/resources/new.js?x=1`,
  ]);
  expect(answer.rawHeaders.join(" ")).not.toContain(new URL(stack.tenant.origin).host);
});

test("an origin on the list may use every method, any other none; there is no session id to put in a header (facts §12)", async () => {
  const sibling = "http://app.localhost:1";
  const stack = await start({ proxy: { ...everything, allowedOrigins: [sibling] } });
  const preflight = (origin: string) =>
    stack.get("/api/v1/things", {
      method: "OPTIONS",
      user: null,
      headers: { origin, "sec-fetch-site": "same-site", "access-control-request-method": "PATCH" },
    });
  const listed = await preflight(sibling);
  expect([listed.status, listed.header("access-control-allow-origin")]).toEqual([204, sibling]);
  for (const method of ["POST", "PUT", "PATCH", "DELETE"])
    expect(listed.header("access-control-allow-methods")).toContain(method);
  expect(listed.header("access-control-allow-headers")).not.toContain("session");
  const foreign = await preflight("http://evil.localhost:1");
  expect([foreign.status, foreign.header("access-control-allow-origin")]).toEqual([403, undefined]);
  const read = await stack.get(items, { headers: { origin: sibling, "sec-fetch-site": "same-site" } });
  expect([
    read.status,
    read.header("access-control-allow-origin"),
    read.header("access-control-allow-credentials"),
  ]).toEqual([200, sibling, "true"]);
});

test("what qlik-embed loads is there: runtime, resources, boot calls and product info (facts §12)", async () => {
  const upstream = await startRaw((request, socket) => {
    const type = request.path.endsWith(".js") ? "text/javascript" : "application/json";
    socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: 2\r\n\r\n{}`);
  });
  const stack = await start({ tenantOrigin: upstream.origin });
  const paths = [
    "/qlik-embed/main.js",
    "/resources/autogenerated/product-info.json",
    "/resources/translations/en.js",
    "/api/v1/boot/core-init",
    "/api/v1/csrf-token",
    "/api/v1/users/me",
    "/api/v1/tenants/me",
    "/api/v1/features",
    "/api/v1/licenses/allotments",
    "/api/v1/items/abc/collections",
    "/api/v1/themes/x/file/theme.js",
    "/api/v1/extensions",
  ];
  for (const path of paths) {
    const { status } = await stack.get(path);
    expect([path, status]).toEqual([path, path === "/api/v1/csrf-token" ? 204 : 200]);
  }
});

test("a tenant that falls silent in the middle of a body cuts the answer off in time (facts §12)", async () => {
  const upstream = await startRaw((_request, socket) =>
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nbegun"),
  );
  const stack = await start({
    tenantOrigin: upstream.origin,
    proxy: { ...everything, timeouts: { bodyIdle: 300 } },
  });
  const answer = await stack.get("/api/v1/things");
  expect([answer.status, answer.text, answer.complete]).toEqual([200, "begun", false]);
  await expect.poll(() => stack.proxy.stats().inFlight).toBe(0);
});
