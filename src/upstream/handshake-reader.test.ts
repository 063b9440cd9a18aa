import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HandshakeReader } from "./handshake-reader.ts";
import { WireError } from "./http1/wire-error.ts";

/** What a reader makes of pieces that come one after the other; the connection ends behind them where `ends` is true. */
function told(pieces: readonly Buffer[], { ends }: { ends?: "in order" | "broken" } = {}): string {
  const reader = new HandshakeReader();
  try {
    for (const [index, piece] of pieces.entries()) {
      const answer = reader.read(piece);
      if (answer === null) continue;
      const after = Buffer.concat(pieces.slice(index + 1)).toString("latin1");
      return "status" in answer
        ? `${answer.status} ${answer.headers.join("|")} ${answer.body.toString("latin1")}`
        : `101 ${answer.headers.join("|")} ${answer.head.toString("latin1")}${after}`;
    }
    const cut = ends === undefined ? null : reader.end(ends === "in order");
    return cut === null ? "nothing" : `${cut.status}, cut off: ${cut.body.toString("latin1")}`;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return error.code;
  }
}

/** The bytes in pieces, cut wherever the numbers say. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1))), bytes.length].toSorted(
    (one, other) => one - other,
  );
  return ends
    .map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
    .filter(({ length }) => length > 0);
}

const interim = "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n";
const switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
const refusal = (framing: string): string => `HTTP/1.1 403 Forbidden\r\nRetry-After: 1\r\n${framing}\r\n\r\n`;

describe("however an answer is cut, the same is told, and no byte behind the 101 is lost", () => {
  test.each([
    ["a 101", `${switched}\x81\x02hi`, "101 Upgrade|websocket \x81\x02hi"],
    ["a 101 behind an interim answer", `${interim}${switched}\x81`, "101 Upgrade|websocket \x81"],
    ["a refusal of a length", `${refusal("Content-Length: 2")}no`, "403 Retry-After|1|Content-Length|2 no"],
    [
      "a refusal in chunks",
      `${refusal("Transfer-Encoding: chunked")}1\r\nn\r\n1\r\no\r\n0\r\n\r\n`,
      "403 Retry-After|1|Transfer-Encoding|chunked no",
    ],
    ["a refusal without a body", refusal("Content-Length: 0"), "403 Retry-After|1|Content-Length|0 "],
  ])("%s", (_name, text, expected) => {
    const bytes = Buffer.from(text, "latin1");
    expect(told([bytes])).toBe(expected);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 12 }), (places) => {
        expect(told(cut(bytes, places))).toBe(expected);
      }),
    );
  });
});

describe("a refusal whose head was whole is told all the same, but not a part of its words", () => {
  test.each([
    ["where its body ends with the connection", "X: y", "in order", "words"],
    ["where the connection breaks instead", "X: y", "broken", ""],
    ["where its body breaks off", "Content-Length: 9", "in order", ""],
  ] as const)("%s", (_name, framing, ends, words) => {
    expect(told([Buffer.from(`${refusal(framing)}words`)], { ends })).toBe(`403, cut off: ${words}`);
  });

  test("where its body goes on as none", () => {
    expect(told([Buffer.from(`${refusal("Transfer-Encoding: chunked")}2\r\nno\r\nzz\r\n`)])).toBe(
      "403 Retry-After|1|Transfer-Encoding|chunked ",
    );
  });

  test("where its body is over the limit", () => {
    const [head, piece] = [Buffer.from(refusal("Content-Length: 80000")), Buffer.alloc(40_000, "x")];
    expect(told([head, piece, piece])).toBe("403 Retry-After|1|Content-Length|80000 ");
  });
});

describe("no answer, and no wait for one", () => {
  test.each([
    ["another protocol", "SSH-2.0-x\r\n", "HTTP1_HEAD"],
    ["lines that end in LF alone", "HTTP/1.1 101 Ok\nUpgrade: websocket\n\n", "HTTP1_HEAD"],
    ["a head without end", `HTTP/1.1 101 Ok\r\nX: ${"x".repeat(17_000)}`, "HTTP1_HEAD_TOO_LARGE"],
    ["interim answers without end", interim.repeat(33), "HTTP1_INTERIM"],
    ["an interim answer with a body", "HTTP/1.1 103 E\r\nContent-Length: 1\r\n\r\n", "HTTP1_INTERIM"],
    ["a refusal with two lengths", refusal("Content-Length: 1\r\nContent-Length: 1"), "HTTP1_FRAMING"],
  ])("%s", (_name, text, code) => {
    expect(told([Buffer.from(text)])).toBe(code);
  });

  test("an end before the head is whole", () => {
    expect(told([Buffer.from(switched.slice(0, -1))], { ends: "in order" })).toBe("nothing");
  });
});
