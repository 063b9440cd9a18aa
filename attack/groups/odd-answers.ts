import type { Attack } from "../attack.ts";
import type { Bout, Talk } from "../bout.ts";
import { verdictOf } from "../verdict.ts";
import { valuesOf } from "../wire/headers.ts";
import { tryAll } from "./trials.ts";

/** An answer, and whether the upstream ends the connection behind it. */
type Odd = readonly [what: string, bytes: string];

/** Has the upstream answer with each of the bytes; the client's side of each is given to `look`. */
async function answerOddly(
  bout: Bout,
  odd: readonly Odd[],
  look: (what: string, talk: Talk) => readonly string[],
): Promise<string[]> {
  const found: string[] = [];
  // One after the other, because a process that ends is to be blamed on the right one.
  for (const [what, bytes] of odd) {
    const trial = bout.again();
    trial.script(async ({ whole, end }) => {
      await whole;
      end(bytes);
    });
    found.push(...look(what, await trial.send({}, { ms: endTime })));
  }
  return found;
}

/** How long an end is waited for, which must come by itself. Milliseconds. */
const endTime = 5000;

/** Whether there was an end: an answer or a closed connection. */
const ends = (what: string, { answer, isClosed }: Talk): string[] =>
  answer?.complete || isClosed ? [] : [`${what}: no end within ${endTime / 1000} s`];

/** Whether no reader of a head finds another line in it than the next: CR, LF and NUL stand at its ends only. */
const isClean = (head: string): boolean =>
  head.startsWith("HTTP/1.1 ") && !/[\r\n\0]/.test(head.replaceAll("\r\n", " "));

const clean = (what: string, { answer }: Talk): string[] =>
  answer === undefined || isClean(answer.head) ? [] : [`${what}: went on to the client as ${answer.head}`];

const rest = "Content-Length: 1\r\n\r\nx";

/** Answers that are not quite HTTP. */
export const oddAnswers: readonly Attack[] = [
  {
    id: "H8-odd-statuses",
    tries: "ends the process by an answer with a status that cannot be written",
    advisory: "CVE-2024-21536",
    run: async (bout) => {
      const statuses = ["000", "099", "600", "999", "1", "20", "2000", "-1", "abc", ""];
      return verdictOf(
        await answerOddly(
          bout,
          statuses.map((status): Odd => [`status "${status}"`, `HTTP/1.1 ${status} Odd\r\n${rest}`]),
          (what, talk) => [...ends(what, talk), ...clean(what, talk)],
        ),
      );
    },
  },
  {
    id: "H8-odd-headers",
    tries: "ends the process, or adds headers, by header lines that no server may send",
    run: async (bout) => {
      const lines = [
        "X-A: a\rX-Injected: 1",
        "X-A: a\0b",
        "X-A: \x01\x02",
        "X-A: \x7f",
        "X A: 1",
        "X-\xe9: 1",
        ": 1",
        "no colon",
        " folded first",
        "X-A: \xff\xfe",
        "X-A: a\r\n folded",
      ];
      return verdictOf(
        await answerOddly(
          bout,
          lines.map((line): Odd => [JSON.stringify(line), `HTTP/1.1 200 OK\r\n${line}\r\n${rest}`]),
          (what, talk) => [...ends(what, talk), ...clean(what, talk)],
        ),
      );
    },
  },
  {
    id: "H8-odd-reasons",
    tries: "adds headers by the words behind the status",
    run: async (bout) =>
      verdictOf(
        await answerOddly(
          bout,
          ["a\rX-Injected: 1", "a\0b", "\x01", "x".repeat(20_000)].map((reason): Odd => [
            JSON.stringify(reason.slice(0, 20)),
            `HTTP/1.1 200 ${reason}\r\n${rest}`,
          ]),
          (what, talk) => [...ends(what, talk), ...clean(what, talk)],
        ),
      ),
  },
  {
    id: "H8-no-http",
    tries: "answers with what is no HTTP, or with nothing",
    deadline: 60_000,
    run: async (bout) =>
      verdictOf(
        await answerOddly(
          bout,
          [
            ["nothing", ""],
            ["half a status line", "HTTP/1."],
            ["half a head", "HTTP/1.1 200 OK\r\nX-A"],
            ["garbage", "\x16\x03\x01\0\0garbage\r\n\r\n"],
            ["another protocol", `SSH-2.0-x\r\n\r\n`],
            ["HTTP/0.9", "<html>hello</html>"],
            ["HTTP/2.0", `HTTP/2.0 200 OK\r\n${rest}`],
            ["an endless 1xx", "HTTP/1.1 100 Continue\r\n\r\n".repeat(200)],
            [
              "a 101 that nobody asked for",
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
            ],
          ],
          (what, talk) => [
            ...ends(what, talk),
            ...clean(what, talk),
            ...(talk.answer?.status === 101 ? [`${what}: the client got a 101`] : []),
          ],
        ),
      ),
  },
  {
    id: "H8-two-lengths",
    tries: "answers with two lengths, or with a length beside chunks",
    run: async (bout) =>
      verdictOf(
        await answerOddly(
          bout,
          [
            ["1 and 5", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 5\r\n\r\nxabcd"],
            ["a list", "HTTP/1.1 200 OK\r\nContent-Length: 1, 5\r\n\r\nxabcd"],
            ["negative", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx"],
            [
              "with chunks",
              `HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
            ],
          ],
          (what, talk) => {
            const headers = talk.answer?.headers ?? [];
            const lengths = valuesOf(headers, "content-length");
            const isOdd = lengths.length + valuesOf(headers, "transfer-encoding").length > 1;
            const isNumber = lengths.every((length) => /^\d+$/.test(length));
            return [
              ...ends(what, talk),
              ...(isOdd || !isNumber ? [`${what}: the client got ${lengths.join(" and ")}`] : []),
            ];
          },
        ),
      ),
  },
  {
    id: "H8-odd-trailers",
    tries: "ends the process by trailers where there can be none",
    run: async (bout) =>
      verdictOf(
        await answerOddly(
          bout,
          [
            ["announced, with a length", "HTTP/1.1 200 OK\r\nTrailer: X-T\r\nContent-Length: 1\r\n\r\nx"],
            [
              "an odd one",
              "HTTP/1.1 200 OK\r\nTrailer: X T\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-T: \x01\r\n\r\n",
            ],
            [
              "on a 204",
              "HTTP/1.1 204 No Content\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T: 1\r\n\r\n",
            ],
          ],
          ends,
        ),
      ),
  },
  {
    id: "H8-large-head",
    tries: "answers with a head of 512 KiB",
    run: async (bout) =>
      verdictOf(
        await answerOddly(
          bout,
          [
            ["one header", `HTTP/1.1 200 OK\r\nX-Large: ${"x".repeat(512 * 1024)}\r\n${rest}`],
            ["many headers", `HTTP/1.1 200 OK\r\n${"X-N: 1\r\n".repeat(40_000)}${rest}`],
          ],
          ends,
        ),
      ),
  },
  {
    id: "H8-odd-cookies",
    tries: "ends the process by cookies that no parser expects",
    run: async (bout) => {
      const odd = [
        "",
        "=",
        ";",
        "=x;;;",
        `a=${"x".repeat(9000)}`,
        "a=\xff",
        "__proto__=1",
        "a=1; Max-Age=1e999",
        "a=1; Path=\x01",
      ];
      const found: string[] = [];
      await tryAll(
        bout,
        odd.map((cookie) => [JSON.stringify(cookie.slice(0, 20)), cookie] as const),
        async (trial, cookie) => {
          trial.answerWith(`HTTP/1.1 200 OK\r\nSet-Cookie: ${cookie}\r\n${rest}`);
          found.push(...ends(`the cookie ${cookie.slice(0, 20)}`, await trial.send({}, { ms: endTime })));
        },
      );
      return verdictOf(found);
    },
  },
];
