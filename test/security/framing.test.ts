import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/assertions.ts";
import { connectTo } from "../support/raw-connection.ts";
import { answerOk, type RawHandler } from "../support/raw-upstream.ts";
import type { StackOptions } from "../support/stack.ts";
import { cleanedUp, type RawStack } from "../support/started.ts";
import { answerBoth, bytesOf, doors, forwarded, openPath, type Door, type Knock } from "./doors.ts";

const started = cleanedUp();

/** A request that a client hides behind another. */
const hidden = "GET /api/v1/hidden HTTP/1.1\r\nHost: tenant.localhost\r\nCookie: stolen=1\r\n\r\n";
const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;

/** Everything that comes back until the proxy closes. */
async function untilClosed({ stack }: RawStack, bytes: Buffer): Promise<string> {
  const connection = await connectTo(stack.origin);
  connection.write(bytes);
  await connection.closed;
  return connection.received;
}

/** A refusal is one answer and the end of the connection; the tenant hears nothing, and the next client is served. */
async function expectRefusal(
  both: RawStack,
  door: Door,
  knock: Knock & { readonly status?: number },
): Promise<void> {
  const received = await untilClosed(both, bytesOf(both.stack, door, `/qlik${openPath(door)}`, knock));
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${knock.status ?? 400}`]);
  expect(both.upstream.seen).toEqual([]);
  expect((await both.stack.get("/api/v1/echo/after")).status).toBe(200);
  expect(forwarded(both.upstream.seen).map(({ path }) => path)).toEqual(["/api/v1/echo/after"]);
}

/** Each means two lengths, or two ends of a line, to some two readers. attacks M2 */
const disputed: readonly (readonly [string, readonly string[]])[] = [
  ["a length and chunks", ["Content-Length: 4", "Transfer-Encoding: chunked"]],
  ["chunks and a length", ["Transfer-Encoding: chunked", "Content-Length: 4"]],
  ["two lengths that differ", ["Content-Length: 2", "Content-Length: 5"]],
  ["two lengths that agree", ["Content-Length: 5", "Content-Length: 5"]],
  ["a list of lengths", ["Content-Length: 5, 5"]],
  ["Transfer-Encoding: xchunked", ["Transfer-Encoding: xchunked"]],
  ["a coding beside chunks", ["Transfer-Encoding: gzip, chunked"]],
  ["chunks that are not the last coding", ["Transfer-Encoding: chunked, identity"]],
  ["chunks behind a vertical tab", ["Transfer-Encoding:\u000bchunked"]],
  ["a space in front of the colon", ["Transfer-Encoding : chunked"]],
  ["a folded line", ["X-Folded: a", " Transfer-Encoding: chunked"]],
  ["a coding on a folded line", ["Transfer-Encoding:", "\tchunked"]],
  ["a line that ends in LF alone", ["X-Line: a\nTransfer-Encoding: chunked"]],
  ["a line that ends in CR alone", ["X-Line: a\rTransfer-Encoding: chunked"]],
];

// attacks M2
describe.each(doors)("an incoming %s", (door) => {
  test.each(disputed)("with %s is 400 and the end of the connection", async (_name, headers) => {
    const both = await started.raw(answerBoth);
    const method = door === "upgrade" ? "GET" : "POST";
    await expectRefusal(both, door, { method, headers, behind: chunked("hello") + hidden });
  });

  test("with nothing but LF at its line ends is 400 and the end of the connection", async () => {
    const both = await started.raw(answerBoth);
    const bytes = bytesOf(both.stack, door, `/qlik${openPath(door)}`).toString("latin1");
    const received = await untilClosed(both, Buffer.from(bytes.replaceAll("\r\n", "\n") + hidden));
    expect([received.match(/HTTP\/1\.1 \d+/g), both.upstream.seen]).toEqual([["HTTP/1.1 400"], []]);
  });
});

// attacks M1
test.each([
  ["in chunks", ["Transfer-Encoding: chunked"], chunked(hidden)],
  ["with a length", [`Content-Length: ${hidden.length}`], hidden],
])("a body %s behind an upgrade is no request, and opens no socket", async (_name, headers, behind) => {
  await expectRefusal(await started.raw(answerBoth), "upgrade", { headers, behind });
});

// attacks M2
test.each([
  ["LF alone behind an extension", `5;a\nhello\r\n0\r\n\r\n${hidden}`],
  ["LF alone inside an extension", `5;a=\n${hidden}hello\r\n0\r\n\r\n`],
  ["a NUL in an extension", "5;a\0b\r\nhello\r\n0\r\n\r\n"],
  ["an extension of 20 kB", `5;${"a".repeat(20_000)}\r\nhello\r\n0\r\n\r\n`],
  ["a number with a space in it", `5 5\r\nhello\r\n0\r\n\r\n${hidden}`],
  ["no end of line behind its bytes", `5\r\nhelloXX0\r\n\r\n${hidden}`],
  ["a folded trailer", "5\r\nhello\r\n0\r\nX-A: 1\r\n X-B: 2\r\n\r\n"],
])(
  "a chunk with %s ends the connection, and no whole request has reached the tenant",
  async (_name, behind) => {
    const both = await started.raw(answerBoth);
    const headers = ["Transfer-Encoding: chunked"];
    const bytes = bytesOf(both.stack, "request", "/qlik/api/v1/echo/a", { method: "POST", headers, behind });
    const received = await untilClosed(both, bytes);
    expect(received).not.toMatch(/^HTTP\/1\.1 2/);
    await eventually(() => expect(both.stack.proxy.stats().inFlight).toBe(0));
    expect(forwarded(both.upstream.seen)).toEqual([]);
  },
);

// attacks M6
describe("a client that asks before it sends its body", () => {
  const expecting = ["Expect: 100-continue", `Content-Length: ${hidden.length}`];

  test.each([
    ["may not come in", "/qlik/api/v1/shut", 404],
    ["asks for what is ambiguous", "/qlik/api/v1/echo/..%2fa", 400],
  ])("and %s is told so, and its body is no request", async (_name, target, status) => {
    const both = await started.raw(answerBoth);
    const connection = await connectTo(both.stack.origin);
    connection.write(bytesOf(both.stack, "request", target, { method: "POST", headers: expecting }));
    await connection.until((text) => text.includes(`HTTP/1.1 ${status} `));
    connection.write(hidden);
    connection.socket.end();
    await connection.closed;
    const finals = connection.received.match(/HTTP\/1\.1 [2-5]\d\d/g);
    expect([finals, both.upstream.seen]).toEqual([[`HTTP/1.1 ${status}`], []]);
  });

  test("in words that nobody knows is not answered by the tenant", async () => {
    const both = await started.raw(answerBoth);
    const connection = await connectTo(both.stack.origin);
    const headers = ["Expect: canary", "Content-Length: 5"];
    const target = "/qlik/api/v1/echo/a";
    connection.write(bytesOf(both.stack, "request", target, { method: "POST", headers, behind: "hello" }));
    await connection.until((text) => text.includes("\r\n\r\n"));
    connection.socket.destroy();
    // node's own server refuses; the standalone one lets the request decide.
    expect(connection.received).toMatch(/^HTTP\/1\.1 417 /);
    expect(both.upstream.seen).toEqual([]);
  });
});

/** Small waits, so that a test meets them. */
const impatient: NonNullable<StackOptions["proxy"]> = { timeouts: { bodyIdle: 300 } };
const packed = gzipSync(Buffer.from(JSON.stringify({ text: "x".repeat(5000) })));
const head = (...lines: readonly string[]): string => `HTTP/1.1 200 OK\r\n${lines.join("\r\n")}\r\n\r\n`;
const json = ["Content-Type: application/json", "Content-Encoding: gzip"];

// attacks M5
test.each<[string, string, Buffer]>([
  ["shorter than its length", head("Content-Length: 99"), Buffer.from("hello")],
  ["without its last chunk", head("Transfer-Encoding: chunked"), Buffer.from("5\r\nhello\r\n")],
  ["in the middle of a chunk", head("Transfer-Encoding: chunked"), Buffer.from("9\r\nhello")],
  [
    "of cut gzip that passes as it is",
    head("Content-Type: text/css", `Content-Length: ${packed.length}`),
    packed.subarray(0, 20),
  ],
  [
    "of cut gzip that is rewritten",
    head(...json, `Content-Length: ${packed.length - 9}`),
    packed.subarray(0, -9),
  ],
  ["that only says it is gzip", head(...json, "Content-Length: 2"), Buffer.from("{}")],
])("an answer %s is cut at the browser, never completed", async (_name, start, body) => {
  const both = await started.raw(
    (_request, socket) => {
      socket.write(start);
      socket.end(body);
    },
    { proxy: impatient },
  );
  const answer = await both.stack
    .get("/api/v1/echo/a", { headers: { "accept-encoding": "gzip" } })
    .catch(() => null);
  expect(answer?.complete ?? false).toBe(false);
  both.upstream.handle(answerOk);
  expect((await both.stack.get("/api/v1/echo/a")).text).toBe("ok");
});

// attacks M5, M7
test.each([
  ["more than its length", "GET", head("Content-Length: 2"), "ok"],
  ["more than its last chunk", "GET", head("Transfer-Encoding: chunked"), "2\r\nok\r\n0\r\n\r\n"],
  ["a body that HEAD has not", "HEAD", head("Content-Length: 6"), "poison"],
  ["a body that 204 has not", "GET", "HTTP/1.1 204 No Content\r\n\r\n", ""],
  ["a body that 304 has not", "GET", "HTTP/1.1 304 Not Modified\r\n\r\n", ""],
])(
  "an answer with %s poisons nothing: what is too much reaches nobody",
  async (_name, method, start, body) => {
    const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    const both = await started.raw((_request, socket) => void socket.write(start + body + poison));
    const first = await both.stack.get("/api/v1/echo/a", { method }).catch(() => null);
    expect(JSON.stringify([first?.text, first?.rawHeaders])).not.toContain("poison");
    both.upstream.handle(answerOk);
    for (const user of ["ann", "ann", "bob", "ann"]) {
      expect((await both.stack.get("/api/v1/echo/a", { user })).text).toBe("ok");
    }
  },
);

/** Answers the first request of each connection, and hangs up on the second as it comes. attacks M8 */
const hangingUp = (): RawHandler => {
  const used = new WeakSet();
  return (request, socket) => {
    if (used.has(socket)) return void socket.resetAndDestroy();
    used.add(socket);
    answerOk(request, socket);
  };
};

// attacks M8
describe("a connection that the tenant closes as we write to it", () => {
  test.each(["GET", "HEAD", "OPTIONS"])("costs a %s nothing: it is sent again, once", async (method) => {
    const both = await started.raw(hangingUp());
    await both.stack.get("/api/v1/echo/warm");
    const answer = await both.stack.get("/api/v1/echo/a", { method });
    expect(answer.status).toBe(200);
    expect(both.upstream.seen.filter(({ path }) => path === "/api/v1/echo/a")).toHaveLength(2);
  });

  test.each(["POST", "PUT", "PATCH", "DELETE"])(
    "is told to a %s, which is not sent again",
    async (method) => {
      const both = await started.raw(hangingUp());
      await both.stack.get("/api/v1/echo/warm", { method: "POST" });
      const answer = await both.stack.get("/api/v1/echo/a", { method, body: "x" });
      expect([answer.status, answer.text]).toEqual([502, expect.stringContaining("QSP-UPSTREAM")]);
      expect(both.upstream.seen.filter(({ path }) => path === "/api/v1/echo/a")).toHaveLength(1);
    },
  );
});
