import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AnswerReader } from "./answer-reader.ts";
import { WireError } from "./wire-error.ts";

/** Whether a reader is asked to wait at each call, and until when. */
type Waits = "never" | "a turn" | "until the end";

/** What a reader tells of pieces of bytes that come one after the other. */
function told(pieces: readonly Buffer[], { method = "GET", waits = "never" as Waits } = {}): string {
  const events: string[] = [];
  let body = "";
  let [isComplete, isMore] = [false, false];
  const pause = (): boolean => waits === "never";
  const reader = new AnswerReader(method, {
    head: ({ status, headers }) => {
      events.push(`${status} ${headers.join("|")}`);
      return pause();
    },
    data: (piece) => {
      body += piece.toString("latin1");
      return pause();
    },
    complete(extra) {
      isComplete = true;
      isMore = extra > 0;
    },
  });
  const goOn = (): void => {
    for (let turn = 0; waits !== "never" && turn < 200; turn += 1) reader.resume();
  };
  try {
    for (const piece of pieces) {
      // The connection, which ends then, sees to what comes later.
      if (isComplete) isMore = true;
      else reader.read(piece);
      if (waits === "a turn") goOn();
    }
    reader.end();
    goOn();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    events.push(error.code);
  }
  if (isComplete) events.push(`complete, and ${isMore ? "more" : "nothing more"}`);
  return [...events, body].join("\n");
}

/** The bytes in pieces, cut wherever the numbers say. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1))), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return ends
    .map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
    .filter(({ length }) => length > 0);
}

const text = fc.stringMatching(/^[!-~ ]{0,12}$/);

const chunks = fc
  .array(fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 }), { maxLength: 5 })
  .map(
    (parts) =>
      `${parts.map((part) => `${part.length.toString(16)};x\r\n${part}\r\n`).join("")}0\r\nX-Late: 1\r\n\r\n`,
  );

const interim = fc.constantFrom("", "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n");

/** Whole answers of every framing, some with something behind. */
const answer = fc
  .record({
    interim,
    value: text,
    framed: fc.oneof(
      text.map((body) => `Content-Length: ${body.length}\r\n\r\n${body}`),
      chunks.map((body) => `Transfer-Encoding: chunked\r\n\r\n${body}`),
      text.map((body) => `\r\n${body}`),
    ),
    behind: fc.constantFrom("", "", "HTTP/1.1 200 OK\r\n\r\n"),
  })
  .map(({ interim: first, value, framed, behind }) =>
    Buffer.from(`${first}HTTP/1.1 200 OK\r\nX: ${value}\r\n${framed}${behind}`, "latin1"),
  );

const waiting = fc.constantFrom<Waits>("never", "a turn", "until the end");

const places = fc.array(fc.nat(), { maxLength: 12 });

/** One byte of it is another one. */
const spoiled = fc
  .tuple(answer, fc.nat(), fc.nat({ max: 255 }))
  .map(([bytes, at, byte]) =>
    Buffer.from(bytes.map((each, index) => (index === at % bytes.length ? byte : each))),
  );

describe("however the bytes are cut, and however often somebody waits, the same is told", () => {
  test.each([
    ["of whole answers", answer],
    ["of answers with a wrong byte", spoiled],
  ])("%s", (_what, bytes) => {
    fc.assert(
      fc.property(bytes, places, waiting, (all, ends, waits) => {
        expect(told(cut(all, ends), { waits })).toBe(told([all]));
      }),
      { numRuns: 300 },
    );
  });

  test("byte by byte, to HEAD too", () => {
    const bytes = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    const single = Array.from(bytes, (byte) => Buffer.from([byte]));
    expect(told(single)).toBe("200 Content-Length|2\ncomplete, and nothing more\nok");
    expect(told([bytes], { method: "HEAD" })).toBe("200 Content-Length|2\ncomplete, and more\n");
  });
});

describe("no answer is complete", () => {
  test("before its last byte, unless it ends with the connection", () => {
    fc.assert(
      fc.property(text, chunks, fc.nat(), (body, chunked, place) => {
        for (const bytes of [
          Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
          Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`),
        ]) {
          const short = bytes.subarray(0, place % bytes.length);
          expect(told([short].filter(({ length }) => length > 0))).toMatch(/HTTP1_(?:CUT|CLOSED)/);
        }
      }),
    );
  });
});
