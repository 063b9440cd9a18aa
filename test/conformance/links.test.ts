import { createHash } from "node:crypto";
import * as zlib from "node:zlib";
import { describe, expect, test } from "vitest";
import type { RawHandler } from "../support/raw-upstream.ts";
import type { Stack } from "../support/stack.ts";
import { cleanedUp } from "../support/started.ts";
import { clients } from "../upstream/clients.ts";

/* Links of the tenant in bodies that come in any pieces, in any spelling, packed or not. rules R6 */

const started = cleanedUp();

/** Spellings of a slash and of a letter that JSON allows. RFC 8259 §7 */
const spellings: readonly (readonly [name: string, spell: (url: string) => string])[] = [
  ["as it is", (url) => url],
  ["with escaped slashes", (url) => url.replaceAll("/", "\\/")],
  ["with letters by their numbers", (url) => url.replaceAll("t", "\\u0074").replaceAll(":", "\\u003A")],
];

const documentOf = (link: string): string =>
  `{"name":"http://elsewhere.test/","links":{"next":{"href":"${link}"}},"more":1}`;

/** An answer in chunks of these. */
function inChunks(pieces: readonly Buffer[], more = ""): Buffer {
  const head =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + `${more}Transfer-Encoding: chunked\r\n\r\n`;
  const chunks = pieces.flatMap((piece) => [
    Buffer.from(`${piece.length.toString(16)}\r\n`),
    piece,
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([Buffer.from(head), ...chunks, Buffer.from("0\r\n\r\n")]);
}

const packings = [
  ["plain", "", (bytes: Buffer) => bytes, (bytes: Buffer) => bytes],
  ["gzip", "gzip", zlib.gzipSync, zlib.gunzipSync],
  ["br", "br", zlib.brotliCompressSync, zlib.brotliDecompressSync],
] as const;

describe.each(clients)("%s", (client) => {
  /** A proxy whose tenant answers with these bytes, and what its links begin with. */
  async function start(answer: () => Buffer): Promise<{ readonly stack: Stack; readonly tenant: string }> {
    const handler: RawHandler = (_request, socket) => void socket.write(answer());
    const { stack, upstream } = await started.raw(handler, { proxy: { upstream: { client } } });
    return { stack, tenant: upstream.address };
  }

  /** What the browser has of the document: its own spelling is nobody's business. */
  const expected = (stack: Stack): unknown =>
    JSON.parse(documentOf(`${stack.origin}/qlik/api/v1/items?page=2`));

  test.each(spellings)(
    "a link %s is rewritten wherever the border of two chunks is",
    async (_name, spell) => {
      let answer: Buffer = Buffer.alloc(0);
      const { stack, tenant } = await start(() => answer);
      const whole = Buffer.from(documentOf(spell(`${tenant}/api/v1/items?page=2`)));
      for (let at = 1; at < whole.length; at += 1) {
        answer = inChunks([whole.subarray(0, at), whole.subarray(at)]);
        const { text, complete } = await stack.get("/api/v1/echo/a");
        expect([at, complete, JSON.parse(text)]).toEqual([at, true, expected(stack)]);
      }
    },
  );

  test.each(packings)(
    "a link is rewritten in a body that comes byte by byte: %s",
    async (_name, coding, pack, open) => {
      let answer: Buffer = Buffer.alloc(0);
      const { stack, tenant } = await start(() => answer);
      const bytes = [...pack(Buffer.from(documentOf(`${tenant}/api/v1/items?page=2`)))];
      const pieces = bytes.map((byte) => Buffer.from([byte]));
      answer = inChunks(pieces, coding === "" ? "" : `Content-Encoding: ${coding}\r\n`);
      const { body } = await stack.get("/api/v1/echo/a", { headers: { "accept-encoding": "gzip, br" } });
      expect(JSON.parse(open(body).toString())).toEqual(expected(stack));
    },
  );

  /** As long as it takes, so that it comes in many pieces and is not held as a whole; hardly smaller when packed. */
  const manyLinks = (origin: string, amount: number): string =>
    JSON.stringify(
      Array.from({ length: amount }, (_, at) => ({
        id: createHash("sha256").update(`${at}`).digest("hex"),
        links: { self: { href: `${origin}/api/v1/items/${at}` } },
      })),
    );

  test.each(packings)("every link of a long body is rewritten: %s", async (_name, coding, pack, open) => {
    let answer: Buffer = Buffer.alloc(0);
    const { stack, tenant } = await start(() => answer);
    for (const amount of [300, 1000, 3000]) {
      const bytes = pack(Buffer.from(manyLinks(tenant, amount)));
      answer = inChunks([bytes], coding === "" ? "" : `Content-Encoding: ${coding}\r\n`);
      const { body } = await stack.get("/api/v1/echo/a", { headers: { "accept-encoding": "gzip, br" } });
      expect(open(body).toString()).toBe(manyLinks(`${stack.origin}/qlik`, amount));
    }
  });

  test.each(packings)("a small body without a link keeps its bytes: %s", async (_name, coding, pack) => {
    const packed = pack(Buffer.from(documentOf("https://elsewhere.test/")));
    const { stack } = await start(() =>
      inChunks([packed], coding === "" ? "" : `Content-Encoding: ${coding}\r\n`),
    );
    const { body } = await stack.get("/api/v1/echo/a", { headers: { "accept-encoding": "gzip, br" } });
    expect(body.equals(packed)).toBe(true);
  });
});
