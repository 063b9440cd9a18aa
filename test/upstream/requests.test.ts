/* What a client writes, as bytes, and what it refuses to write; attacks H5, M1. */
import { describe, expect, test } from "vitest";
import type { UpstreamRequest } from "../../src/upstream/listener.ts";
import { startRawUpstream } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";
import { clients, dispatch, outcomeOf, pieces, wayTo, type ClientName } from "./clients.ts";

const started = cleanedUp();

/** A tenant that keeps the bytes of each connection and answers what looks like a whole request. */
async function start(client: ClientName) {
  const upstream = started.keep(await startRawUpstream());
  let bytes = "";
  upstream.onConnection((socket) => socket.on("data", (chunk) => (bytes += chunk.toString("latin1"))));
  return { upstream, way: started.keep(wayTo(client, upstream.origin)), bytes: () => bytes };
}

describe.each(clients)("%s", (client) => {
  const written = async (request: Partial<UpstreamRequest>): Promise<string> => {
    const { way, bytes, upstream } = await start(client);
    expect(outcomeOf(await dispatch(way, request).over)).toBe("200 ok");
    return bytes().replace(new URL(upstream.origin).host, "tenant");
  };

  test("a request is its line, our own headers, the given ones as they are, and an empty line", async () => {
    expect(await written({ path: "/a?b=%20c", headers: ["X-b", "1", "x-B", "2\xfc", "Cookie", "a=b"] })).toBe(
      "GET /a?b=%20c HTTP/1.1\r\nhost: tenant\r\nconnection: keep-alive\r\n" +
        "X-b: 1\r\nx-B: 2\xfc\r\nCookie: a=b\r\n\r\n",
    );
  });

  test.each([
    ["GET", "\r\n\r\n"],
    ["DELETE", "\r\n\r\n"],
    ["OPTIONS", "\r\n\r\n"],
    ["POST", "\r\ncontent-length: 0\r\n\r\n"],
    ["PUT", "\r\ncontent-length: 0\r\n\r\n"],
    ["PATCH", "\r\ncontent-length: 0\r\n\r\n"],
  ])("%s without a body", async (method, end) => {
    for (const contentLength of [undefined, 0]) {
      const bytes = await written({ method, contentLength });
      expect(bytes.slice(bytes.indexOf("\r\n\r\n", 0) - (end.length - 4))).toBe(end);
      expect(bytes).not.toMatch(/transfer-encoding/i);
    }
  });

  test.each(["GET", "DELETE", "OPTIONS", "POST", "PUT", "PATCH"])("%s with a body", async (method) => {
    expect(await written({ method, contentLength: 5, body: pieces("he", "", "llo") })).toMatch(
      /\r\ncontent-length: 5\r\n\r\nhello$/,
    );
    expect(await written({ method, body: pieces("he", "", "llo") })).toMatch(
      /\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n$/,
    );
  });

  test("a body whose pieces are none is framed as no body", async () => {
    expect(await written({ method: "POST", body: pieces("") })).toMatch(/\r\ncontent-length: 0\r\n\r\n$/);
  });

  test.each<[string, Partial<UpstreamRequest>]>([
    ["a method with a space", { method: "GET /evil" }],
    ["a method with a line break", { method: "GET\r\n" }],
    ["no method", { method: "" }],
    ["a target with a space", { path: "/a b" }],
    ["a target with a line break", { path: "/a\r\nX: b" }],
    ["a target with a control", { path: "/a\x01" }],
    ["a target that is an authority", { path: "evil.example:80" }],
    ["no target", { path: "" }],
    ["a name with a space", { headers: ["X Bad", "1"] }],
    ["a name with a colon", { headers: ["X:", "1"] }],
    ["a name with a line break", { headers: ["X\r\nHost", "1"] }],
    ["no name", { headers: ["", "1"] }],
    ["a value with a line break", { headers: ["X", "a\r\nTransfer-Encoding: chunked"] }],
    ["a value with LF alone", { headers: ["X", "a\nb"] }],
    ["a value with a NUL", { headers: ["X", "a\0"] }],
    ["a value beyond one byte", { headers: ["X", "a\u010a"] }],
    ["Transfer-Encoding", { headers: ["Transfer-Encoding", "chunked"] }],
    [
      "another length",
      { headers: ["Content-Length", "5"], body: pieces("ab"), contentLength: 2, method: "POST" },
    ],
    ["Keep-Alive", { headers: ["Keep-Alive", "timeout=100"] }],
    ["Upgrade", { headers: ["Upgrade", "websocket"] }],
    ["Expect", { headers: ["Expect", "100-continue"] }],
  ])("%s is not written", async (_what, request) => {
    const { way, bytes } = await start(client);
    const heard = await dispatch(way, request).over;
    expect(outcomeOf(heard)).toBe("QSP-UPSTREAM");
    expect(heard.events.filter((event) => event === "failed")).toHaveLength(1);
    expect(bytes()).toBe("");
    // The place of the request in its lane is free again.
    expect(outcomeOf(await dispatch(way).over)).toBe("200 ok");
  });

  test.each<[string, number | undefined, AsyncIterable<Buffer>]>([
    ["shorter than was said", 5, pieces("ab")],
    ["longer than was said", 2, pieces("ab", "cd")],
    ["longer than nothing", 0, pieces("ab")],
    ["not there although it was announced", 5, pieces()],
    [
      "broken off by its source",
      undefined,
      (async function* () {
        yield Buffer.from("ab");
        throw new Error("the browser has left");
      })(),
    ],
  ])("a body that is %s is never a whole request", async (_how, contentLength, body) => {
    const { way, upstream } = await start(client);
    const heard = await dispatch(way, { method: "POST", contentLength, body }).over;
    expect(outcomeOf(heard)).toBe("QSP-UPSTREAM");
    expect(upstream.seen).toEqual([]);
    expect(outcomeOf(await dispatch(way).over)).toBe("200 ok");
  });
});

/** What only our own client refuses: undici takes it, and nothing here sends it. */
test.each<[string, Partial<UpstreamRequest>]>([
  ["CONNECT", { method: "CONNECT" }],
  ["an absolute target", { path: "http://evil.example/" }],
  ["a fragment", { path: "/a#b" }],
  ["a target beyond ASCII", { path: "/\xfc" }],
  ["another host", { headers: ["Host", "evil.example"] }],
  ["Connection that names a header", { headers: ["Connection", "cookie"] }],
  ["Connection: close", { headers: ["Connection", "close"] }],
  ["Proxy-Connection", { headers: ["Proxy-Connection", "keep-alive"] }],
  ["TE", { headers: ["TE", "trailers"] }],
  ["Trailer", { headers: ["Trailer", "X-Late"] }],
  ["a name without a value", { headers: ["X"] }],
  ["a length with a fraction", { method: "POST", contentLength: 2.5, body: pieces("ab") }],
])("own: %s is not written", async (_what, request) => {
  const { way, bytes } = await start("own");
  expect(outcomeOf(await dispatch(way, request).over)).toBe("QSP-UPSTREAM");
  // What had been written would be there before this one.
  expect(outcomeOf(await dispatch(way).over)).toBe("200 ok");
  expect(bytes()).toMatch(/^GET \/ HTTP\/1\.1\r\n/);
});

test.each([
  ["HEAD", null],
  ["GET", "ab"],
  ["DELETE", "ab"],
] as const)("own: %s with the body %s tells the tenant that the connection ends", async (method, body) => {
  const { way, upstream } = await start("own");
  await dispatch(way, { method, body: body === null ? null : pieces(body) }).over;
  expect(upstream.seen[0]?.header("connection")).toBe("close");
});
