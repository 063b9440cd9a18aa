import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { acceptFor, checkHandshakeRequest, checkHandshakeResponse } from "./handshake.ts";

const key = "dGhlIHNhbXBsZSBub25jZQ==";

/** Headers with one line changed (a value), removed (null) or given several times (a list). */
const withChange = (
  lines: Record<string, string>,
  change: Record<string, string | null | readonly string[]>,
): string[] =>
  Object.entries({ ...lines, ...change }).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().flatMap((one) => [name, one]),
  );

const asked = (change: Record<string, string | null | readonly string[]> = {}): string[] =>
  withChange(
    {
      Host: "portal.example.com",
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Key": key,
      "Sec-WebSocket-Version": "13",
    },
    change,
  );

const answered = (change: Record<string, string | null | readonly string[]> = {}): string[] =>
  withChange({ Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Accept": acceptFor(key) }, change);

describe("acceptFor", () => {
  test("gives the example of RFC 6455 §1.3", () => {
    expect(acceptFor(key)).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  });
});

describe("checkHandshakeRequest", () => {
  test.each([
    ["a browser's", {}],
    ["Firefox's connection options", { Connection: "keep-alive, Upgrade" }],
    ["several Connection headers", { Connection: ["keep-alive", "x,UPGRADE"] }],
    ["another case", { Upgrade: "WebSocket" }],
    ["an empty body, said so", { "Content-Length": "0" }],
  ])("takes %s", (_what, change) => {
    expect(checkHandshakeRequest("GET", asked(change), "1.1")).toEqual({ key });
  });

  test("takes every key of 16 bytes", () => {
    for (let n = 0; n < 100; n += 1) {
      const random = randomBytes(16).toString("base64");
      expect(checkHandshakeRequest("GET", asked({ "Sec-WebSocket-Key": random }), "1.1")).toEqual({
        key: random,
      });
    }
  });

  test.each([
    ["no key", { "Sec-WebSocket-Key": null }],
    ["two keys", { "Sec-WebSocket-Key": [key, key] }],
    ["a list of keys", { "Sec-WebSocket-Key": `${key}, ${key}` }],
    ["a short key", { "Sec-WebSocket-Key": "c2hvcnQ=" }],
    ["a key of 17 bytes", { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZSE=" }],
    ["a key that is no base64", { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZ*==" }],
    ["an empty key", { "Sec-WebSocket-Key": "" }],
    ["no Upgrade", { Upgrade: null }],
    ["another protocol", { Upgrade: "h2c" }],
    ["several protocols", { Upgrade: "websocket, h2c" }],
    ["Upgrade twice", { Upgrade: ["websocket", "websocket"] }],
    ["no Connection", { Connection: null }],
    ["a Connection without upgrade", { Connection: "keep-alive, upgraded" }],
    ["a body", { "Content-Length": "5" }],
    ["a length that is none", { "Content-Length": "0x5" }],
    ["two lengths", { "Content-Length": ["0", "5"] }],
    ["a chunked body", { "Transfer-Encoding": "chunked" }],
    ["an unknown encoding", { "transfer-encoding": "identity" }],
    ["two versions", { "Sec-WebSocket-Version": ["13", "13"] }],
  ])("refuses %s with 400", (_what, change) => {
    expect(checkHandshakeRequest("GET", asked(change), "1.1")).toMatchObject({ status: 400 });
  });

  test.each([null, "8", "", "13, 8", "013"])("asks for version 13 where it is %j", (version) => {
    const verdict = checkHandshakeRequest("GET", asked({ "Sec-WebSocket-Version": version }), "1.1");
    expect(verdict).toMatchObject({ status: 426 });
  });

  test.each([
    ["POST", "1.1"],
    ["HEAD", "1.1"],
    ["get", "1.1"],
    ["GET", "1.0"],
    ["GET", "2.0"],
  ])("refuses %s over HTTP/%s", (method, version) => {
    expect(checkHandshakeRequest(method, asked(), version)).toMatchObject({ status: 400 });
  });
});

describe("checkHandshakeResponse", () => {
  const sent = {
    key,
    protocols: ["qlik"],
    extensions: ['permessage-deflate; client_max_window_bits, x-a; p="a,b"'],
  };

  test.each([
    ["a plain one", {}],
    ["an offered sub-protocol", { "Sec-WebSocket-Protocol": "qlik" }],
    ["an offered extension with its parameters", { "Sec-WebSocket-Extensions": "permessage-deflate; x=1" }],
    ["several offered extensions", { "Sec-WebSocket-Extensions": ['x-a;q="b,c"', "permessage-deflate"] }],
  ])("takes %s", (_what, change) => {
    expect(checkHandshakeResponse(101, answered(change), sent)).toBeNull();
  });

  test.each([
    ["no accept", { "Sec-WebSocket-Accept": null }],
    ["another key's accept", { "Sec-WebSocket-Accept": acceptFor("AAAAAAAAAAAAAAAAAAAAAA==") }],
    ["the accept twice", { "Sec-WebSocket-Accept": [acceptFor(key), acceptFor(key)] }],
    ["the key sent back", { "Sec-WebSocket-Accept": key }],
    ["no Upgrade", { Upgrade: null }],
    ["another Upgrade", { Upgrade: "h2c" }],
    ["no Connection", { Connection: null }],
    ["an unasked sub-protocol", { "Sec-WebSocket-Protocol": "other" }],
    ["two sub-protocols", { "Sec-WebSocket-Protocol": ["qlik", "qlik"] }],
    ["a list of sub-protocols", { "Sec-WebSocket-Protocol": "qlik, other" }],
    ["an unasked extension", { "Sec-WebSocket-Extensions": "x-b" }],
    ["an unasked one among asked ones", { "Sec-WebSocket-Extensions": "permessage-deflate, x-b; p" }],
    ["one that only a quoted parameter names", { "Sec-WebSocket-Extensions": "b" }],
  ])("refuses %s", (_what, change) => {
    expect(checkHandshakeResponse(101, answered(change), sent)).toMatch(/\.$/);
  });

  test.each([200, 302, 401, 403, 500])("refuses the status %d", (status) => {
    expect(checkHandshakeResponse(status, answered(), sent)).toContain(String(status));
  });

  test("refuses anything selected where nothing was offered", () => {
    const nothing = { key, protocols: [], extensions: [] };
    expect(checkHandshakeResponse(101, answered(), nothing)).toBeNull();
    expect(
      checkHandshakeResponse(101, answered({ "Sec-WebSocket-Extensions": "permessage-deflate" }), nothing),
    ).not.toBeNull();
    expect(checkHandshakeResponse(101, answered({ "Sec-WebSocket-Protocol": "" }), nothing)).not.toBeNull();
  });
});
