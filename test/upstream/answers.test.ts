/* What a client takes for an answer, byte by byte; attacks M2, M4-M7. Where undici takes more than we do, it says so. */
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { answerOk, startRawUpstream } from "../support/raw-upstream.ts";
import { cleanedUp } from "../support/started.ts";
import { clients, dispatch, outcomeOf, wayTo, type ClientName } from "./clients.ts";

const started = cleanedUp();
const ok = "HTTP/1.1 200 OK\r\n";
const length = (body: string): string => `Content-Length: ${body.length}\r\n\r\n${body}`;
const chunked = "Transfer-Encoding: chunked\r\n\r\n";
const refused = "QSP-UPSTREAM";

/** A case: its name, the tenant's bytes, what is heard, and what undici makes of it where that is something else. */
type Case = readonly [name: string, bytes: string, heard: string, undici?: string | undefined];

/** The cases by their names, with what each client is to make of them. */
const each = (cases: readonly Case[]) =>
  cases.map(([name, bytes, own, undici = own]) => ({ name, bytes, wanted: { undici, own } }));

const heads: readonly Case[] = [
  ["a length", `${ok}${length("ok")}`, "200 ok"],
  ["a length of nothing", `${ok}${length("")}`, "200 "],
  ["no reason", `HTTP/1.1 200\r\n${length("ok")}`, "200 ok"],
  ["an empty reason", `HTTP/1.1 200 \r\n${length("ok")}`, "200 ok"],
  ["bytes beyond ASCII", `HTTP/1.1 200 \xfc\r\nX: \xfc\r\n${length("ok")}`, "200 ok"],
  ["an empty value", `${ok}X:\r\n${length("ok")}`, "200 ok"],
  ["the smallest status", `HTTP/1.1 200 OK\r\n${length("ok")}`, "200 ok"],
  ["the largest status", `HTTP/1.1 599 Odd\r\n${length("ok")}`, "599 ok"],
  ["status 600", `HTTP/1.1 600 Odd\r\n${length("ok")}`, refused],
  ["status 099", `HTTP/1.1 099 Odd\r\n${length("ok")}`, refused],
  ["status 0200", `HTTP/1.1 0200 OK\r\n${length("ok")}`, refused],
  ["status 20", `HTTP/1.1 20 OK\r\n${length("ok")}`, refused],
  ["status +200", `HTTP/1.1 +200 OK\r\n${length("ok")}`, refused],
  ["two spaces before the status", `HTTP/1.1  200 OK\r\n${length("ok")}`, refused],
  ["HTTP/1.0 with a length", `HTTP/1.0 200 OK\r\n${length("ok")}`, "200 ok"],
  ["HTTP/1.2", `HTTP/1.2 200 OK\r\n${length("ok")}`, refused],
  ["HTTP/2.0", `HTTP/2.0 200 OK\r\n${length("ok")}`, refused, "200 ok"],
  ["HTTP/0.9", `HTTP/0.9 200 OK\r\n${length("ok")}`, refused, "200 ok"],
  ["http/1.1", `http/1.1 200 OK\r\n${length("ok")}`, refused],
  ["an empty line first", `\r\n${ok}${length("ok")}`, refused, "200 ok"],
  ["a control in the reason", `HTTP/1.1 200 O\x01K\r\n${length("ok")}`, refused, "200 ok"],
  ["lines that end in LF", `HTTP/1.1 200 OK\nContent-Length: 2\n\nok`, refused],
  ["one line that ends in LF", `${ok}X: a\n${length("ok")}`, refused],
  ["a head that ends in LF", `${ok}Content-Length: 2\r\n\nok`, refused],
  ["a bare CR in a value", `${ok}X: a\rb\r\n${length("ok")}`, refused],
  ["a NUL in a value", `${ok}X: a\0b\r\n${length("ok")}`, refused],
  ["DEL in a value", `${ok}X: a\x7fb\r\n${length("ok")}`, refused],
  ["a space before the colon", `${ok}X : a\r\n${length("ok")}`, refused],
  ["a length with a space before the colon", `${ok}Content-Length : 2\r\n\r\nok`, refused],
  ["a name that is none", `${ok}X(: a\r\n${length("ok")}`, refused],
  ["no name", `${ok}: a\r\n${length("ok")}`, refused],
  ["no colon", `${ok}broken\r\n${length("ok")}`, refused],
  ["a folded line", `${ok}X: a\r\n b\r\n${length("ok")}`, refused],
  ["a folded first line", `${ok} X: a\r\n${length("ok")}`, refused],
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n", refused],
  ["bytes of TLS", "\x15\x03\x03\0\x02\x02\x28", refused],
  ["a value that is too large", `${ok}X: ${"a".repeat(16 * 1024)}\r\n${length("ok")}`, refused],
  ["headers that are too large", `${ok}${`X: ${"a".repeat(90)}\r\n`.repeat(200)}${length("ok")}`, refused],
  ["a head without end", ok + `X: ${"a".repeat(20 * 1024)}`, refused],
  ["too many headers", `${ok}${"X: a\r\n".repeat(300)}${length("ok")}`, refused, "200 ok"],
];

const framings: readonly Case[] = [
  ["two lengths", `${ok}Content-Length: 2\r\nContent-Length: 5\r\n\r\nokok!`, refused],
  ["two equal lengths", `${ok}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`, refused],
  ["a list of lengths", `${ok}Content-Length: 2, 2\r\n\r\nok`, refused],
  ["a length with a sign", `${ok}Content-Length: +2\r\n\r\nok`, refused],
  ["a negative length", `${ok}Content-Length: -2\r\n\r\nok`, refused],
  ["a hexadecimal length", `${ok}Content-Length: 0x2\r\n\r\nok`, refused],
  ["a length with a fraction", `${ok}Content-Length: 2.0\r\n\r\nok`, refused],
  ["an empty length", `${ok}Content-Length:\r\n\r\nok`, refused],
  ["a length and chunks", `${ok}Content-Length: 2\r\n${chunked}2\r\nok\r\n0\r\n\r\n`, refused],
  ["chunks and a length", `${ok}Transfer-Encoding: chunked\r\n${length("2\r\nok\r\n0\r\n\r\n")}`, refused],
  ["chunks", `${ok}${chunked}1\r\no\r\n1\r\nk\r\n0\r\n\r\n`, "200 ok"],
  ["chunks in another case", `${ok}Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, "200 ok"],
  ["no chunk", `${ok}${chunked}0\r\n\r\n`, "200 "],
  ["a size with leading zeros", `${ok}${chunked}0002\r\nok\r\n000\r\n\r\n`, "200 ok"],
  ["an extension", `${ok}${chunked}2;a="b"\r\nok\r\n0;c\r\n\r\n`, "200 ok"],
  ["a trailer", `${ok}${chunked}2\r\nok\r\n0\r\nX-Late: 1\r\n\r\n`, "200 ok"],
  [
    "a coding beside chunks",
    `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    refused,
    "200 ok",
  ],
  ["chunks twice", `${ok}Transfer-Encoding: chunked\r\n${chunked}2\r\nok\r\n0\r\n\r\n`, refused, "200 ok"],
  ["identity", `${ok}Transfer-Encoding: identity\r\n${length("ok")}`, refused],
  ["a tab before chunked", `${ok}Transfer-Encoding:\x0bchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, refused],
  ["chunks in HTTP/1.0", `HTTP/1.0 200 OK\r\n${chunked}2\r\nok\r\n0\r\n\r\n`, refused, "200 ok"],
];

const broken = (body: string): string => `${refused} after 200 ${body}`;

const chunks: readonly Case[] = [
  ["no size", `${ok}${chunked}\r\nok\r\n0\r\n\r\n`, broken("")],
  ["a size that is none", `${ok}${chunked}xyz\r\nok\r\n`, broken("")],
  ["a size with a sign", `${ok}${chunked}+2\r\nok\r\n`, broken("")],
  ["a size with 0x", `${ok}${chunked}0x2\r\nok\r\n`, broken("")],
  ["a space behind the size", `${ok}${chunked}2 \r\nok\r\n0\r\n\r\n`, broken("")],
  ["a space before the size", `${ok}${chunked} 2\r\nok\r\n0\r\n\r\n`, broken("")],
  ["a size beyond counting", `${ok}${chunked}fffffffffffffffff\r\nok\r\n`, broken("")],
  ["a size that ends in LF", `${ok}${chunked}2\nok\r\n0\r\n\r\n`, broken("")],
  ["data longer than its size", `${ok}${chunked}2\r\nokok\r\n0\r\n\r\n`, broken("ok")],
  ["data that ends in LF", `${ok}${chunked}2\r\nok\n0\r\n\r\n`, broken("ok")],
  ["a control in an extension", `${ok}${chunked}2;a\x01\r\nok\r\n0\r\n\r\n`, broken("")],
  ["a long extension", `${ok}${chunked}2;${"a".repeat(20_000)}\r\nok\r\n0\r\n\r\n`, broken(""), "200 ok"],
  [
    "extensions without end",
    `${ok}${chunked}${`1;${"a".repeat(199)}\r\no\r\n`.repeat(100)}0\r\n\r\n`,
    // 200 bytes each, and 16 KiB in all.
    broken("o".repeat(81)),
    `200 ${"o".repeat(100)}`,
  ],
  ["a trailer that is none", `${ok}${chunked}2\r\nok\r\n0\r\nbroken\r\n\r\n`, broken("ok")],
  ["a folded trailer", `${ok}${chunked}2\r\nok\r\n0\r\nX: a\r\n b\r\n\r\n`, broken("ok")],
  ["a length as a trailer", `${ok}${chunked}2\r\nok\r\n0\r\nContent-Length: 5\r\n\r\n`, broken("ok")],
  ["an end in LF", `${ok}${chunked}2\r\nok\r\n0\r\n\n`, broken("ok")],
  [
    "trailers that are too large",
    `${ok}${chunked}2\r\nok\r\n0\r\nX: ${"a".repeat(20_000)}\r\n\r\n`,
    broken("ok"),
  ],
];

const interim = (status: number, lines = ""): string => `HTTP/1.1 ${status} Go on\r\n${lines}\r\n`;

const interims: readonly Case[] = [
  ["102", `${interim(102)}${ok}${length("ok")}`, "200 ok"],
  ["103 with a link", `${interim(103, "Link: </a>\r\n")}${ok}${length("ok")}`, "200 ok"],
  ["some", `${interim(103).repeat(5)}${ok}${length("ok")}`, "200 ok"],
  // Nobody asked for it; undici ends the connection, RFC 9110 §15.2 has it ignored.
  ["100", `${interim(100)}${ok}${length("ok")}`, "200 ok", refused],
  ["101", `HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n`, refused],
  ["101 that names no protocol", interim(101), refused],
  ["102 with a length", `${interim(102, "Content-Length: 2\r\n")}ok${ok}${length("ok")}`, refused],
  [
    "103 with chunks",
    `${interim(103, "Transfer-Encoding: chunked\r\n")}0\r\n\r\n${ok}${length("ok")}`,
    refused,
  ],
  [
    "103 with a length of nothing",
    `${interim(103, "Content-Length: 0\r\n")}${ok}${length("ok")}`,
    refused,
    "200 ok",
  ],
  ["a flood", `${interim(103).repeat(2000)}${ok}${length("ok")}`, refused, "200 ok"],
];

/** What the end of the connection follows: an answer that is whole then, or is not. */
const cutShort: readonly Case[] = [
  ["a length beyond counting", `${ok}Content-Length: 9007199254740993\r\n\r\nok`, refused, broken("ok")],
  ["another coding", `${ok}Transfer-Encoding: gzip\r\n\r\nok`, refused, "200 ok"],
  [
    "chunks, then a coding",
    `${ok}Transfer-Encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    refused,
    "200 2\r\nok\r\n0\r\n\r\n",
  ],
  ["a body that ends with the connection", `${ok}\r\nok`, "200 ok"],
  ["a body of HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nok", "200 ok"],
  ["nothing", "", refused],
  ["half a head", "HTTP/1.1 200 OK\r\nContent-Le", refused],
  ["an interim answer alone", interim(103), refused],
  ["half a body", `${ok}Content-Length: 10\r\n\r\nok`, broken("ok")],
  ["half a chunk", `${ok}${chunked}5\r\nok`, broken("ok")],
  ["chunks without an end", `${ok}${chunked}2\r\nok\r\n`, broken("ok")],
  ["chunks without their last line", `${ok}${chunked}2\r\nok\r\n0\r\n`, broken("ok")],
];

async function hear(client: ClientName, strike: (socket: Socket) => void, method = "GET"): Promise<string> {
  const upstream = started.keep(await startRawUpstream((_request, socket) => strike(socket)));
  const way = started.keep(wayTo(client, upstream.origin));
  const heard = await dispatch(way, { method }).over;
  expect(heard.events.filter((event) => event === "finished" || event === "failed")).toHaveLength(1);
  expect(heard.events.at(-1)).toMatch(/^(?:finished|failed)$/);
  // Whatever it was, it is not in the way of the next one.
  upstream.handle(answerOk);
  expect(outcomeOf(await dispatch(way).over)).toBe("200 ok");
  return outcomeOf(heard);
}

/** Written in one piece, and byte by byte. */
const ways: readonly (readonly [how: string, write: (socket: Socket, bytes: string) => void])[] = [
  ["at once", (socket, bytes) => void socket.write(bytes, "latin1")],
  [
    "in two pieces",
    (socket, bytes) => {
      const half = Math.floor(bytes.length / 2);
      socket.setNoDelay(true);
      socket.write(bytes.slice(0, half), "latin1");
      setImmediate(() => socket.write(bytes.slice(half), "latin1"));
    },
  ],
];

describe.each(clients)("%s", (client) => {
  describe.each([
    ["a head with", heads],
    ["a body with", framings],
    ["a chunk with", chunks],
    ["an interim answer:", interims],
  ] as const)("%s", (_what, cases) => {
    test.each(each(cases))("$name", async ({ bytes, wanted }) => {
      for (const [how, write] of ways) {
        expect([how, await hear(client, (socket) => write(socket, bytes))]).toEqual([how, wanted[client]]);
      }
    });
  });

  test.each(each(cutShort))("$name, then the end of the connection", async ({ bytes, wanted }) => {
    expect(await hear(client, (socket) => void socket.end(bytes, "latin1"))).toBe(wanted[client]);
  });

  test.each([
    ["HEAD", `${ok}Content-Length: 5\r\n\r\n`, "200 "],
    ["HEAD", `${ok}${chunked}`, "200 "],
    ["HEAD", `${ok}Content-Length: 6\r\n\r\npoison`, "200 "],
    ["HEAD", `${ok}Content-Length: 2\r\nContent-Length: 3\r\n\r\n`, refused],
    ["GET", "HTTP/1.1 204 No Content\r\n\r\n", "204 "],
    ["GET", "HTTP/1.1 204 No Content\r\n\r\npoison", "204 "],
    ["GET", "HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\npoison", "204 "],
    ["GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n", "304 "],
    ["GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\npoison", "304 "],
    ["GET", `${ok}Content-Length: 2\r\n\r\nok and more`, "200 ok"],
    ["GET", `${ok}Content-Length: 2\r\n\r\nok${ok}${length("poison")}`, "200 ok"],
    ["GET", `${ok}${chunked}2\r\nok\r\n0\r\n\r\n${ok}${length("poison")}`, "200 ok"],
  ])("%s answered by %j", async (method, bytes, heard) => {
    for (const [how, write] of ways) {
      expect([how, await hear(client, (socket) => write(socket, bytes), method)]).toEqual([how, heard]);
    }
  });

  test("headers are told as they came, in order, one character a byte", async () => {
    const upstream = started.keep(await startRawUpstream());
    upstream.handle((_request, socket) => {
      socket.write(
        `${ok}X-b: 1\r\nx-B:\t 2\xfc \r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n${length("ok")}`,
        "latin1",
      );
    });
    const heard = await dispatch(started.keep(wayTo(client, upstream.origin))).over;
    const trimmed = heard.headers.map((text) => text.trim());
    expect(trimmed).toEqual("X-b 1 x-B 2\xfc Set-Cookie a=1 Set-Cookie b=2 Content-Length 2".split(" "));
  });
});
